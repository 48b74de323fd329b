//! A [`Snapshot`] as one word: state 3 bits, cause 3, generation 21, streak 5, payload 32.
//!
//! The payload is `until` while open or ramping, and `issued` and `passed` in 16 bits each while
//! half-open. A generation comes round after 2 million changes of state; a call would have to run
//! for exactly so many to be taken for one of the current state.

use crate::{
    Cause,
    state::{Phase, Snapshot},
};

const STATE_SHIFT: u32 = 61;
const CAUSE_SHIFT: u32 = 58;
const GENERATION_SHIFT: u32 = 37;
const STREAK_SHIFT: u32 = 32;
pub(crate) const GENERATION_MAX: u32 = (1 << 21) - 1;
pub(crate) const STREAK_MAX: u8 = (1 << 5) - 1;

const CLOSED: u64 = 0;
const OPEN: u64 = 1;
const HALF_OPEN: u64 = 2;
const RAMPING: u64 = 3;
const ISOLATED: u64 = 4;
const DISABLED: u64 = 5;

/// What opens a circuit; the other causes follow from the state. At most eight.
const CAUSES: [Cause; 6] = [
    Cause::FailureRate,
    Cause::SlowRate,
    Cause::ConsecutiveFailures,
    Cause::FailedProbe,
    Cause::Forced,
    Cause::Restored,
];

/// The generation of a word that is closed for good, which has no other bits set.
#[inline]
pub(crate) fn closed_generation(word: u64) -> Option<u32> {
    let generation = word >> GENERATION_SHIFT;
    let closed = word == generation << GENERATION_SHIFT && generation <= GENERATION_MAX.into();
    closed.then_some(generation as u32)
}

/// Whether a word is closed for good in this generation.
#[inline]
pub(crate) fn is_closed(word: u64, generation: u32) -> bool {
    word == u64::from(generation) << GENERATION_SHIFT
}

impl From<Snapshot> for u64 {
    fn from(snapshot: Snapshot) -> Self {
        let (state, cause, payload) = match snapshot.phase {
            Phase::Closed => (CLOSED, 0, 0),
            Phase::Ramping { until } => (RAMPING, 0, until),
            Phase::Open { until, cause } => (OPEN, index(cause), until),
            Phase::HalfOpen { issued, passed } => {
                (HALF_OPEN, 0, u32::from(issued) << 16 | u32::from(passed))
            }
            Phase::Isolated => (ISOLATED, 0, 0),
            Phase::Disabled => (DISABLED, 0, 0),
        };
        state << STATE_SHIFT
            | cause << CAUSE_SHIFT
            | Self::from(snapshot.generation) << GENERATION_SHIFT
            | Self::from(snapshot.streak) << STREAK_SHIFT
            | Self::from(payload)
    }
}

impl From<u64> for Snapshot {
    fn from(word: u64) -> Self {
        let payload = (word & u64::from(u32::MAX)) as u32;
        Self {
            generation: (word >> GENERATION_SHIFT) as u32 & GENERATION_MAX,
            streak: (word >> STREAK_SHIFT) as u8 & STREAK_MAX,
            phase: match word >> STATE_SHIFT {
                RAMPING => Phase::Ramping { until: payload },
                OPEN => Phase::Open {
                    until: payload,
                    cause: cause(word >> CAUSE_SHIFT & 7),
                },
                HALF_OPEN => Phase::HalfOpen {
                    issued: (payload >> 16) as u16,
                    passed: payload as u16,
                },
                ISOLATED => Phase::Isolated,
                DISABLED => Phase::Disabled,
                _ => Phase::Closed,
            },
        }
    }
}

fn index(cause: Cause) -> u64 {
    let index = CAUSES.iter().position(|known| *known == cause);
    index.unwrap_or_default() as u64
}

fn cause(index: u64) -> Cause {
    let cause = CAUSES.get(index as usize);
    cause.copied().unwrap_or(Cause::FailureRate)
}

#[cfg(test)]
mod tests {
    use std::{num::NonZeroU16, time::Duration};

    use proptest::prelude::*;

    use super::*;
    use crate::{State, open_time::OpenTime, state::Rules};

    fn rules() -> Rules {
        Rules {
            probes: NonZeroU16::MIN,
            lease: 1,
            open_time: OpenTime::new(Duration::ZERO, Duration::ZERO),
            ramp: 0,
        }
    }

    fn phases() -> impl Strategy<Value = Phase> {
        prop_oneof![
            Just(Phase::Closed),
            Just(Phase::Isolated),
            Just(Phase::Disabled),
            any::<u32>().prop_map(|until| Phase::Ramping { until }),
            (any::<u32>(), prop::sample::select(CAUSES.to_vec()))
                .prop_map(|(until, cause)| Phase::Open { until, cause }),
            any::<(u16, u16)>().prop_map(|(issued, passed)| Phase::HalfOpen { issued, passed }),
        ]
    }

    proptest! {
        #[test]
        fn a_snapshot_survives_being_packed(
            generation in 0..=GENERATION_MAX,
            streak in 0..=STREAK_MAX,
            phase in phases(),
        ) {
            let snapshot = Snapshot { generation, streak, phase };
            prop_assert_eq!(Snapshot::from(u64::from(snapshot)), snapshot);
            let closed = streak == 0 && phase == Phase::Closed;
            prop_assert_eq!(closed_generation(snapshot.into()), closed.then_some(generation));
            prop_assert_eq!(is_closed(snapshot.into(), generation), closed);
        }
    }

    #[test]
    fn the_generation_wraps_and_the_streak_stops_without_touching_their_neighbours() {
        let last = Snapshot {
            generation: GENERATION_MAX,
            streak: STREAK_MAX,
            phase: Phase::HalfOpen {
                issued: 1,
                passed: 0,
            },
        };
        let opened = last.open(Cause::FailedProbe, 0, 7, 0, &rules());
        let opened = Snapshot::from(u64::from(opened));
        assert_eq!((opened.generation, opened.streak), (0, STREAK_MAX));
        assert_eq!(opened.state(), State::Open);
        let closed = Snapshot::from(u64::from(last.close()));
        assert_eq!((closed.generation, closed.streak), (0, 0));
        assert_eq!(closed.state(), State::Closed);
    }
}
