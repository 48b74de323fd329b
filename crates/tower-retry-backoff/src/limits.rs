use std::{num::NonZeroU32, time::Duration};

use crate::{Backoff, Stop, schedule::Draws};

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

    /// The delay before the attempt after `made`, which must end within `room`.
    pub(crate) fn delay(
        &self,
        made: u32,
        room: Duration,
        hint: Option<Duration>,
        backoff: &Backoff,
        draws: &mut Draws,
    ) -> Result<Duration, Stop> {
        if !self.permit_after(made) {
            return Err(Stop::Attempts);
        }
        let delay = match hint {
            Some(hint) if hint > self.hint_cap => return Err(Stop::Hint),
            Some(hint) if !hint.is_zero() => {
                let spread = draws.spread(hint);
                // Whether a hint fits must not hang on the dice.
                if spread < room { spread } else { hint }
            }
            _ => draws.delay(backoff),
        };
        if delay < room {
            Ok(delay)
        } else {
            Err(Stop::Deadline)
        }
    }
}
