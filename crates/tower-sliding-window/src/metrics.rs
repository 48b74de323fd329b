//! What the metrics facade is told; nothing without the feature `metrics`.

#[cfg(feature = "metrics")]
pub(crate) use self::told::Metrics;
#[cfg(not(feature = "metrics"))]
pub(crate) use self::untold::Metrics;

#[cfg(feature = "metrics")]
mod told {
    use std::{
        fmt,
        sync::{Arc, OnceLock},
    };

    use metrics::{Counter, counter};

    const REQUESTS: &str = "tower_sliding_window.requests";
    const WAITED: &str = "tower_sliding_window.waited";

    #[derive(Clone, Default)]
    pub(crate) struct Metrics {
        name: &'static str,
        /// From the recorder there is at the first decision: asking it each time would cost more
        /// than to decide.
        counters: Arc<OnceLock<Counters>>,
    }

    struct Counters {
        admitted: Counter,
        denied: Counter,
        shadowed: Counter,
        waited: Counter,
    }

    impl Metrics {
        pub(crate) fn named(name: &'static str) -> Self {
            Self {
                name,
                counters: Arc::default(),
            }
        }

        pub(crate) fn admitted(&self) {
            self.counters().admitted.increment(1);
        }

        pub(crate) fn denied(&self) {
            self.counters().denied.increment(1);
        }

        pub(crate) fn shadowed(&self) {
            self.counters().shadowed.increment(1);
        }

        pub(crate) fn waited(&self) {
            self.counters().waited.increment(1);
        }

        fn counters(&self) -> &Counters {
            self.counters.get_or_init(|| {
                let requests =
                    |outcome| counter!(REQUESTS, "limiter" => self.name, "outcome" => outcome);
                Counters {
                    admitted: requests("admitted"),
                    denied: requests("denied"),
                    shadowed: requests("shadowed"),
                    waited: counter!(WAITED, "limiter" => self.name),
                }
            })
        }
    }

    impl fmt::Debug for Metrics {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.debug_struct("Metrics").field("name", &self.name).finish()
        }
    }
}

#[cfg(not(feature = "metrics"))]
mod untold {
    #[derive(Debug, Clone, Default)]
    pub(crate) struct Metrics;

    impl Metrics {
        pub(crate) const fn named(_: &'static str) -> Self {
            Self
        }

        pub(crate) const fn admitted(&self) {}

        pub(crate) const fn denied(&self) {}

        pub(crate) const fn shadowed(&self) {}

        pub(crate) const fn waited(&self) {}
    }
}
