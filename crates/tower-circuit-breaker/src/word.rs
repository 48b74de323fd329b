//! A [`Snapshot`] as one word: state 3 bits, generation 23, streak 6, payload 32.
//!
//! The payload is `until` while open, and `issued` and `passed` in 16 bits each while half-open.
//! Three bits leave room for more states. A generation comes round after 8 million changes of
//! state; a call would have to run for exactly so many to be taken for one of the current state.

use crate::state::{Phase, Snapshot};

const STATE_SHIFT: u32 = 61;
const GENERATION_SHIFT: u32 = 38;
const STREAK_SHIFT: u32 = 32;
pub(crate) const GENERATION_MAX: u32 = (1 << 23) - 1;
pub(crate) const STREAK_MAX: u8 = (1 << 6) - 1;

const CLOSED: u64 = 0;
const OPEN: u64 = 1;
const HALF_OPEN: u64 = 2;

impl From<Snapshot> for u64 {
    fn from(snapshot: Snapshot) -> Self {
        let (state, payload) = match snapshot.phase {
            Phase::Closed => (CLOSED, 0),
            Phase::Open { until } => (OPEN, until),
            Phase::HalfOpen { issued, passed } => {
                (HALF_OPEN, u32::from(issued) << 16 | u32::from(passed))
            }
        };
        state << STATE_SHIFT
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
                OPEN => Phase::Open { until: payload },
                HALF_OPEN => Phase::HalfOpen {
                    issued: (payload >> 16) as u16,
                    passed: payload as u16,
                },
                _ => Phase::Closed,
            },
        }
    }
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
        }
    }

    fn phases() -> impl Strategy<Value = Phase> {
        prop_oneof![
            Just(Phase::Closed),
            any::<u32>().prop_map(|until| Phase::Open { until }),
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
        let opened = Snapshot::from(u64::from(last.open(7, &rules(), 0)));
        assert_eq!((opened.generation, opened.streak), (0, STREAK_MAX));
        assert_eq!(opened.state(), State::Open);
        let closed = Snapshot::from(u64::from(last.close()));
        assert_eq!((closed.generation, closed.streak), (0, 0));
        assert_eq!(closed.state(), State::Closed);
    }
}
