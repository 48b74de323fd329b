use crate::{
    Cause, Trip, Verdict, Window, buckets::Buckets, open_time::whole_millis, ring::Ring,
    tagged::Tagged, tally::Tally, trip::Rate,
};

/// The results of the closed state, and whether they are enough to open the circuit.
#[derive(Debug)]
pub(crate) struct Evidence {
    trip: Trip,
    failures: Option<Record>,
    slow: Option<Record>,
    consecutive: Tagged,
}

#[derive(Debug)]
enum Record {
    Calls(Ring),
    Time(Buckets),
}

impl Evidence {
    pub(crate) fn new(trip: Trip) -> Self {
        Self {
            trip,
            failures: trip.failures.map(Record::new),
            slow: trip.slow.map(|slow| Record::new(slow.rate)),
            consecutive: Tagged::default(),
        }
    }

    /// Whether recording needs to know the time.
    pub(crate) fn is_timed(&self) -> bool {
        let timed = |record: &Option<Record>| matches!(record, Some(Record::Time(_)));
        timed(&self.failures) || timed(&self.slow)
    }

    /// Whether a quick success would change nothing.
    #[inline]
    pub(crate) fn is_healthy(&self, generation: u32) -> bool {
        let full = match &self.failures {
            None => true,
            Some(Record::Calls(ring)) => ring.is_full_of_good(generation),
            Some(Record::Time(_)) => false,
        };
        full && self.slow.is_none() && self.consecutive.is_zero(generation)
    }

    /// Forgets everything and records for `generation` from now on. Not to be called for a
    /// generation that may be recording.
    pub(crate) fn clear(&self, generation: u32) {
        self.consecutive.clear(generation);
        for record in [&self.failures, &self.slow].into_iter().flatten() {
            match record {
                Record::Calls(ring) => ring.clear(generation),
                Record::Time(buckets) => buckets.clear(generation),
            }
        }
    }

    /// Records a result and returns which rule it meets, or `None` when the generation is over.
    pub(crate) fn record(
        &self,
        generation: u32,
        verdict: Verdict,
        slow: bool,
        now: u64,
    ) -> Option<Option<Cause>> {
        let failed = match verdict {
            Verdict::Ignore => return Some(None),
            Verdict::Success => false,
            Verdict::Failure | Verdict::Throttled => true,
        };
        let in_a_row = match verdict {
            Verdict::Success => {
                self.consecutive.update(generation, |_| 0)?;
                0
            }
            Verdict::Failure => self.consecutive.update(generation, |row| row + 1)? + 1,
            _ => self.consecutive.get(generation)?,
        };
        let too_many_in_a_row = failed
            && (self.trip.consecutive).is_some_and(|limit| in_a_row >= u64::from(limit.get()));
        // Both are recorded before either is judged, so that neither window misses a result.
        let failures = push(&self.failures, generation, failed, now)?;
        let slow_calls = push(&self.slow, generation, slow, now)?;
        let slow_rate = self.trip.slow.map(|slow| slow.rate);

        Some(if too_many_in_a_row {
            Some(Cause::ConsecutiveFailures)
        } else if failed && reaches(failures, self.trip.failures) {
            Some(Cause::FailureRate)
        } else if slow && reaches(slow_calls, slow_rate) {
            Some(Cause::SlowRate)
        } else {
            None
        })
    }
}

impl Record {
    fn new(rate: Rate) -> Self {
        match rate.window {
            Window::Calls(calls) => Self::Calls(Ring::new(calls, rate.min_calls)),
            Window::Time(time) => Self::Time(Buckets::new(whole_millis(time))),
        }
    }
}

fn push(record: &Option<Record>, generation: u32, bad: bool, now: u64) -> Option<Tally> {
    match record {
        None => Some(Tally::default()),
        Some(Record::Calls(ring)) => ring.push(generation, bad),
        Some(Record::Time(buckets)) => buckets.push(generation, bad, now),
    }
}

fn reaches(tally: Tally, rate: Option<Rate>) -> bool {
    rate.is_some_and(|rate| tally.reaches(rate.threshold, rate.min_calls))
}
