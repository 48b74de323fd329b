use std::num::NonZeroU32;

use crate::{Charge, Quota};

/// Who decides while the server is away.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnFailure {
    /// Every request passes.
    Allow,
    /// Every request is denied, to be retried after a second. The default: a limit that can be
    /// lifted by overloading what keeps it is none.
    #[default]
    Deny,
    /// Each process holds its keys to a part of their limits, at least 1. It counts all the time,
    /// so that it knows what was used when it has to decide. Costs a decision in memory for each
    /// request admitted.
    Local {
        /// Into how many parts: as many as there are processes.
        share: NonZeroU32,
    },
}

impl OnFailure {
    /// [`Local`](Self::Local), for so many processes.
    #[must_use]
    pub const fn local(processes: u32) -> Self {
        let share = match NonZeroU32::new(processes) {
            Some(share) => share,
            None => NonZeroU32::MIN,
        };
        Self::Local { share }
    }
}

/// The charge, held to one of `share` parts of each limit.
pub(super) fn on_share<K, T>(
    charge: &Charge<'_, K>,
    share: NonZeroU32,
    then: impl FnOnce(Charge<'_, K>) -> T,
) -> T {
    let part = |quota: Quota| quota.divided(share);
    let further: Vec<Quota> = charge.further.iter().copied().map(part).collect();
    then(
        Charge::new(charge.key, part(charge.quota))
            .further(&further)
            .cost(charge.cost),
    )
}
