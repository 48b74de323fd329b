//! What the metrics facade is told; nothing without the feature `metrics`.

#[cfg(feature = "metrics")]
pub(crate) use self::told::Metrics;
#[cfg(not(feature = "metrics"))]
pub(crate) use self::untold::Metrics;

#[cfg(feature = "metrics")]
mod told {
    use std::fmt;

    use metrics::{counter, gauge};

    use crate::{Cause, State};

    const CHANGES: &str = "tower_circuit_breaker.changes";
    const REFUSED: &str = "tower_circuit_breaker.refused";
    const LATE: &str = "tower_circuit_breaker.late_results";
    const SHUT: &str = "tower_circuit_breaker.shut";

    /// The recorder is asked at each event: none of them is on the path of a healthy call, and so a
    /// recorder may be installed at any time.
    pub(crate) struct Metrics {
        name: &'static str,
    }

    impl Metrics {
        pub(crate) fn new(name: Option<&'static str>) -> Self {
            Self {
                name: name.unwrap_or_default(),
            }
        }

        pub(crate) fn changed(&self, from: State, to: State) {
            counter!(CHANGES, "circuit" => self.name, "to" => to.as_str()).increment(1);
            match (is_shut(from), is_shut(to)) {
                (false, true) => gauge!(SHUT, "circuit" => self.name).increment(1.0),
                (true, false) => gauge!(SHUT, "circuit" => self.name).decrement(1.0),
                _ => {}
            }
        }

        pub(crate) fn refused(&self, cause: Cause) {
            counter!(REFUSED, "circuit" => self.name, "cause" => cause.as_str()).increment(1);
        }

        pub(crate) fn late(&self) {
            counter!(LATE, "circuit" => self.name).increment(1);
        }

        pub(crate) fn gone(&self, state: State) {
            if is_shut(state) {
                gauge!(SHUT, "circuit" => self.name).decrement(1.0);
            }
        }
    }

    fn is_shut(state: State) -> bool {
        !matches!(state, State::Closed | State::Disabled)
    }

    impl fmt::Debug for Metrics {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.debug_struct("Metrics").field("name", &self.name).finish()
        }
    }
}

#[cfg(not(feature = "metrics"))]
mod untold {
    use crate::{Cause, State};

    #[derive(Debug)]
    pub(crate) struct Metrics;

    impl Metrics {
        pub(crate) fn new(_: Option<&'static str>) -> Self {
            Self
        }

        pub(crate) fn changed(&self, _: State, _: State) {}

        pub(crate) fn refused(&self, _: Cause) {}

        pub(crate) fn late(&self) {}

        pub(crate) fn gone(&self, _: State) {}
    }
}
