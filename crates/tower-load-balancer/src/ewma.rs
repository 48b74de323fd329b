use std::time::Duration;

/// How long an answer takes on average, the recent ones counting most; a slow one counts at once.
///
/// It fits into one word, so that it can be read and replaced without a lock: nanoseconds as a
/// 32-bit float, and the moment in milliseconds. That moment wraps after 49 days, and one that lies
/// further back than that looks younger than it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Ewma {
    nanos: f32,
    millis: u32,
}

impl Ewma {
    /// The word of an endpoint that has not answered yet.
    pub(crate) const UNKNOWN: u64 = 0;

    /// `None` when nothing was measured yet.
    pub(crate) fn from_word(word: u64) -> Option<Self> {
        let nanos = f32::from_bits((word >> 32) as u32);
        (nanos > 0.0).then_some(Self {
            nanos,
            millis: word as u32,
        })
    }

    pub(crate) fn to_word(self) -> u64 {
        u64::from(self.nanos.to_bits()) << 32 | u64::from(self.millis)
    }

    /// After an answer that took `took` and came at `now`, a time since some fixed moment.
    pub(crate) fn observe(
        before: Option<Self>,
        took: Duration,
        now: Duration,
        decay: Duration,
    ) -> Self {
        // Nothing takes no time at all, and zero means unknown.
        let took = (took.as_secs_f32() * 1e9).max(1.0);
        let nanos = match before {
            // A peak counts in full; only the way down is slow.
            Some(before) if took < before.nanos => {
                took + (before.nanos - took) * before.faded(now, decay)
            }
            _ => took,
        };
        Self {
            nanos,
            millis: millis(now),
        }
    }

    /// Nanoseconds, as they count at `now`: what was measured long ago counts less and less, so
    /// that one who was slow once is tried again.
    pub(crate) fn at(self, now: Duration, decay: Duration) -> f32 {
        (self.nanos * self.faded(now, decay)).max(1.0)
    }

    pub(crate) fn latency(self) -> Duration {
        Duration::from_nanos(self.nanos as u64)
    }

    /// How much of the old value is left.
    fn faded(self, now: Duration, decay: Duration) -> f32 {
        let elapsed = millis(now).wrapping_sub(self.millis);
        // A clock reading of another thread may be a little ahead of this one.
        if elapsed == 0 || elapsed > u32::MAX / 2 {
            return 1.0;
        }
        (-(elapsed as f32) / (decay.as_secs_f32() * 1e3).max(1.0)).exp()
    }
}

/// Without the wide division of `as_millis`.
fn millis(time: Duration) -> u32 {
    let seconds = time.as_secs() as u32;
    seconds
        .wrapping_mul(1_000)
        .wrapping_add(time.subsec_millis())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Ewma;

    const DECAY: Duration = Duration::from_secs(10);

    fn millis(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn after(before: Option<Ewma>, took: u64, now: u64) -> Ewma {
        Ewma::observe(before, millis(took), millis(now), DECAY)
    }

    #[test]
    fn a_slow_answer_counts_at_once() {
        let known = after(None, 10, 0);
        assert_eq!(after(Some(known), 500, 1).latency(), millis(500));
    }

    #[test]
    fn fast_answers_pull_it_down_with_time() {
        let slow = after(None, 1_000, 0);
        let soon = after(Some(slow), 10, 1_000).latency();
        let later = after(Some(slow), 10, 30_000).latency();
        assert!(soon > millis(850) && soon < millis(950), "{soon:?}");
        assert!(later < millis(70), "{later:?}");
    }

    #[test]
    fn what_was_measured_long_ago_counts_less() {
        let slow = after(None, 1_000, 0);
        assert!(slow.at(millis(60_000), DECAY) < slow.at(millis(1_000), DECAY) / 100.0);
    }

    #[test]
    fn an_answer_in_no_time_is_not_unknown() {
        let word = after(None, 0, 0).to_word();
        assert_ne!(word, Ewma::UNKNOWN);
        assert!(Ewma::from_word(word).is_some());
        assert!(Ewma::from_word(Ewma::UNKNOWN).is_none());
    }

    #[test]
    fn a_clock_that_is_a_little_behind_changes_nothing() {
        let known = after(None, 100, 1_000);
        assert_eq!(known.at(millis(999), DECAY), known.at(millis(1_000), DECAY));
    }

    #[test]
    fn a_word_keeps_what_is_in_it() {
        let known = after(None, 100, 70_000);
        assert_eq!(Ewma::from_word(known.to_word()), Some(known));
    }
}
