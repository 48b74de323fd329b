use std::time::{Duration, SystemTime};

#[cfg(feature = "serde")]
use serde::{Deserialize, Serialize};

use crate::{
    Cause, State,
    circuit::Circuit,
    state::{Admission, Snapshot},
};

/// What of a circuit is worth keeping over a restart: its state and, while open, when that ends by
/// the wall clock. Made by [`Handle::snapshot`](crate::Handle::snapshot).
///
/// Results are not kept: what a service did before a restart says little about it after. With the
/// feature `serde` it can be written down; as JSON it is `{"state":"open","until":1699999999000,
/// "streak":2}`, with `until` in milliseconds since 1970, or `{"state":"closed"}` and the like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(Serialize, Deserialize),
    serde(tag = "state", rename_all = "lowercase")
)]
#[non_exhaustive]
pub enum Saved {
    /// Closed, be it on a ramp.
    Closed,
    /// Open, or half-open: then `until` is when it was saved.
    #[non_exhaustive]
    Open {
        /// In milliseconds since 1970.
        until: u64,
        /// How often it opened again without having closed.
        streak: u8,
    },
    /// Isolated.
    Isolated,
    /// Disabled.
    Disabled,
}

impl Saved {
    pub(crate) fn of(circuit: &Circuit, now: SystemTime) -> Self {
        let snapshot = circuit.load();
        match snapshot.state() {
            State::Closed => Self::Closed,
            State::Isolated => Self::Isolated,
            State::Disabled => Self::Disabled,
            State::HalfOpen => Self::open(snapshot, 0, now),
            State::Open => {
                let rules = &circuit.settings().rules;
                let left = match snapshot.admit(circuit.now(), 0, 0, rules) {
                    Admission::Refuse(refusal) => refusal.wait,
                    _ => 0,
                };
                Self::open(snapshot, left, now)
            }
        }
    }

    fn open(snapshot: Snapshot, left: u32, now: SystemTime) -> Self {
        Self::Open {
            until: millis(now).saturating_add(left.into()),
            streak: snapshot.streak,
        }
    }

    pub(crate) fn restore(self, circuit: &Circuit, now: SystemTime) {
        match self {
            Self::Closed => circuit.change(Snapshot::close),
            Self::Isolated => circuit.change(Snapshot::isolate),
            Self::Disabled => circuit.change(Snapshot::disable),
            Self::Open { until, streak } => {
                let cap = circuit.settings().rules.open_time.cap();
                // A clock that was set back must not keep the circuit open for years.
                let left = until.saturating_sub(millis(now)).min(cap.into());
                let until = circuit.now().saturating_add(left);
                circuit.change(|current| current.open_until(Cause::Restored, streak, until));
            }
        }
    }
}

fn millis(time: SystemTime) -> u64 {
    let age: Duration = time
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(age.as_millis()).unwrap_or(u64::MAX)
}
