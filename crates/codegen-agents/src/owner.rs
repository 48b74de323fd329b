use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use tokio::time::Instant;

use crate::backoff::Backoff;

/// The name a runner claims under.
///
/// A store doesn't give a runner what it already holds under the same name. That is wanted while
/// its attempts find back to a store that was away. It is not wanted for a run that the runner
/// holds without knowing, because the answer to a claim was lost, or because an attempt ended
/// abnormally. So after any such event the name changes, but not before the attempts had the time
/// to renew their leases.
#[derive(Debug)]
pub(crate) struct Owner {
    name: String,
    patience: Duration,
    /// The name is given up then.
    until: Option<Instant>,
}

impl Owner {
    pub(crate) fn new(lease: Duration) -> Self {
        Self {
            name: unique(),
            patience: lease.max(Backoff::LONGEST * 2),
            until: None,
        }
    }

    /// Something may be held under this name that nobody works on.
    pub(crate) fn doubt(&mut self, now: Instant) {
        self.until = Some(now + self.patience);
    }

    pub(crate) fn name(&mut self, now: Instant) -> &str {
        if self.until.is_some_and(|until| now >= until) {
            self.name = unique();
            self.until = None;
        }
        &self.name
    }
}

/// Unique also over restarts: a process that came back must not look like the one that died.
fn unique() -> String {
    let start = RandomState::new().hash_one(());
    format!("{}-{start:016x}", std::process::id())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::Owner;

    #[test]
    fn a_name_changes_only_some_time_after_the_last_doubt() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut owner = Owner::new(Duration::from_secs(15));
        let name = owner.name(at(0)).to_owned();
        assert_eq!(owner.name(at(1_000)), name);
        owner.doubt(at(1_000));
        owner.doubt(at(1_010));
        assert_eq!(owner.name(at(1_024)), name);
        let next = owner.name(at(1_025)).to_owned();
        assert_ne!(next, name);
        assert_eq!(owner.name(at(9_000)), next);
    }
}
