use std::{num::NonZeroU32, time::Duration};

use crate::Delays;

/// Where retrying ends, whatever the policy says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) max_attempts: NonZeroU32,
    pub(crate) deadline: Duration,
    pub(crate) hint_cap: Duration,
}

impl Limits {
    /// Whether one more attempt is permitted after `made`.
    pub(crate) fn permit_after(&self, made: u32) -> bool {
        made < self.max_attempts.get()
    }

    /// The delay before the attempt after `made`, `elapsed` after the call began. `None`: stop.
    pub(crate) fn delay(
        &self,
        made: u32,
        elapsed: Duration,
        hint: Option<Duration>,
        delays: &mut Delays,
    ) -> Option<Duration> {
        if !self.permit_after(made) {
            return None;
        }
        let room = self.deadline.saturating_sub(elapsed);
        let delay = match hint {
            Some(hint) if hint > self.hint_cap => return None,
            Some(hint) if !hint.is_zero() => {
                let spread = delays.spread(hint);
                // Whether a hint fits must not hang on the dice.
                if spread < room { spread } else { hint }
            }
            _ => delays.next()?,
        };
        (delay < room).then_some(delay)
    }
}
