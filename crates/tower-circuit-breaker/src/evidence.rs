use crate::{Trip, Verdict, ring::Ring, tagged::Tagged};

/// The results of the closed state, and whether they are enough to open the circuit.
#[derive(Debug)]
pub(crate) struct Evidence {
    trip: Trip,
    ring: Option<Ring>,
    consecutive: Tagged,
}

impl Evidence {
    pub(crate) fn new(trip: Trip) -> Self {
        Self {
            trip,
            ring: trip.rate.map(|rate| Ring::new(rate.window, rate.min_calls)),
            consecutive: Tagged::default(),
        }
    }

    /// Forgets everything and records for `generation` from now on. Not to be called for a
    /// generation that may be recording.
    pub(crate) fn clear(&self, generation: u32) {
        self.consecutive.clear(generation);
        if let Some(ring) = &self.ring {
            ring.clear(generation);
        }
    }

    /// Records a result and returns whether the trip rule is met, or `None` when the generation is
    /// over.
    pub(crate) fn record(&self, generation: u32, verdict: Verdict) -> Option<bool> {
        let failed = match verdict {
            Verdict::Ignore => return Some(false),
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
        let tally = match &self.ring {
            Some(ring) => Some(ring.push(generation, failed)?),
            None => None,
        };

        let too_often = (self.trip.rate.zip(tally))
            .is_some_and(|(rate, tally)| rate.is_reached(tally.failures, tally.calls));
        let too_many_in_a_row =
            (self.trip.consecutive).is_some_and(|limit| in_a_row >= u64::from(limit.get()));
        Some(failed && (too_often || too_many_in_a_row))
    }
}
