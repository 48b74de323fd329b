use std::time::Duration;

use crate::Ejection;

/// Everything that decides whether an endpoint gets requests, and how many. Times are since the set
/// was made.
#[derive(Debug)]
pub(crate) struct Condition {
    pub(crate) draining: bool,
    down: bool,
    /// Probes in a row that say otherwise than `down`.
    streak: u32,
    ejected_until: Option<Duration>,
    /// Ejections in a row, how long the last was and when it ended.
    ejections: u32,
    last_length: Duration,
    last_end: Duration,
    /// Since when it gets requests.
    serving_since: Duration,
}

/// Steps in which a slow start goes up.
pub(crate) const STEPS: u32 = 10;

impl Condition {
    pub(crate) fn new(now: Duration) -> Self {
        Self {
            draining: false,
            down: false,
            streak: 0,
            ejected_until: None,
            ejections: 0,
            last_length: Duration::ZERO,
            last_end: Duration::ZERO,
            serving_since: now,
        }
    }

    /// Neither ejected nor down.
    pub(crate) fn is_healthy(&self) -> bool {
        !self.down && self.ejected_until.is_none()
    }

    pub(crate) fn is_down(&self) -> bool {
        self.down
    }

    pub(crate) fn ejected_until(&self) -> Option<Duration> {
        self.ejected_until
    }

    /// Puts it away for a time; `jitter` is from zero to one. Nothing changes when it is away
    /// already.
    pub(crate) fn eject(
        &mut self,
        now: Duration,
        rule: &Ejection,
        hint: Option<Duration>,
        jitter: f64,
    ) {
        if self.ejected_until.is_some() {
            return;
        }
        let recovered = now.saturating_sub(self.last_end) >= self.last_length;
        self.ejections = if recovered {
            1
        } else {
            self.ejections.saturating_add(1)
        };
        let length = rule.length(self.ejections, hint);
        let length = length.saturating_add(length.mul_f64(jitter / 10.0));
        let until = now.saturating_add(length);
        self.last_length = length;
        self.last_end = until;
        self.ejected_until = Some(until);
    }

    /// Takes it back when its time is over; whether it was.
    pub(crate) fn readmit(&mut self, now: Duration) -> bool {
        let over = self.ejected_until.is_some_and(|until| until <= now);
        if over {
            self.ejected_until = None;
            self.serving_since = now;
        }
        over
    }

    /// Takes note of a probe; whether that changed anything.
    pub(crate) fn probed(&mut self, passed: bool, rise: u32, fall: u32, now: Duration) -> bool {
        if passed != self.down {
            self.streak = 0;
            return false;
        }
        self.streak = self.streak.saturating_add(1);
        if self.streak < if self.down { rise } else { fall } {
            return false;
        }
        self.streak = 0;
        self.down = !self.down;
        if !self.down {
            self.serving_since = now;
        }
        true
    }

    /// How many of the [`STEPS`] of its weight it has by now, and when that changes next.
    pub(crate) fn share(&self, now: Duration, slow_start: Duration) -> (u32, Option<Duration>) {
        let step = slow_start / STEPS;
        let served = now.saturating_sub(self.serving_since);
        if step.is_zero() || served >= slow_start {
            return (STEPS, None);
        }
        let done = (1..STEPS)
            .take_while(|steps| step.saturating_mul(*steps) <= served)
            .count() as u32;
        let next = self
            .serving_since
            .saturating_add(step.saturating_mul(done + 1));
        (done + 1, Some(next))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Condition;
    use crate::Ejection;

    fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    fn length(condition: &mut Condition, now: Duration, hint: Option<Duration>) -> Duration {
        condition.eject(now, &Ejection::new(), hint, 0.0);
        let until = condition.ejected_until().expect("ejected");
        assert!(!condition.readmit(until - Duration::from_nanos(1)));
        assert!(condition.readmit(until));
        until - now
    }

    #[test]
    fn each_ejection_in_a_row_is_longer_up_to_a_cap() {
        let mut condition = Condition::new(secs(0));
        let mut now = secs(100);
        let mut lengths = Vec::new();
        for _ in 0..12 {
            let length = length(&mut condition, now, None);
            lengths.push(length.as_secs());
            now += length + secs(1);
        }
        assert_eq!(
            lengths,
            [30, 60, 90, 120, 150, 180, 210, 240, 270, 300, 300, 300]
        );
    }

    #[test]
    fn one_that_worked_as_long_as_it_was_away_starts_from_the_beginning() {
        let mut condition = Condition::new(secs(0));
        assert_eq!(length(&mut condition, secs(0), None), secs(30));
        assert_eq!(length(&mut condition, secs(30 + 29), None), secs(60));
        assert_eq!(length(&mut condition, secs(119 + 60), None), secs(30));
    }

    #[test]
    fn what_the_endpoint_asks_for_counts_up_to_the_cap() {
        let mut condition = Condition::new(secs(0));
        assert_eq!(length(&mut condition, secs(0), Some(secs(7))), secs(7));
        assert_eq!(
            length(&mut condition, secs(1_000), Some(secs(9_999))),
            secs(300)
        );
    }

    #[test]
    fn jitter_adds_up_to_a_tenth() {
        let mut condition = Condition::new(secs(0));
        condition.eject(secs(0), &Ejection::new(), None, 1.0);
        assert_eq!(condition.ejected_until(), Some(secs(33)));
    }

    #[test]
    fn it_takes_fall_failed_probes_in_a_row_to_go_down_and_rise_passed_ones_to_come_up() {
        let mut condition = Condition::new(secs(0));
        let mut probe = |passed| {
            condition.probed(passed, 2, 3, secs(1));
            condition.is_healthy()
        };
        assert!(
            probe(false) && probe(false) && probe(true),
            "the row was broken"
        );
        assert!(probe(false) && probe(false) && !probe(false));
        assert!(!probe(true) && !probe(false), "the row was broken");
        assert!(!probe(true) && probe(true));
    }

    #[test]
    fn a_slow_start_goes_up_in_tenths() {
        let condition = Condition::new(secs(100));
        let share = |now| condition.share(secs(now), secs(10));
        assert_eq!(share(100), (1, Some(secs(101))));
        assert_eq!(share(101), (2, Some(secs(102))));
        assert_eq!(share(109), (10, Some(secs(110))));
        assert_eq!(share(110), (10, None));
        assert_eq!(condition.share(secs(100), Duration::ZERO), (10, None));
    }
}
