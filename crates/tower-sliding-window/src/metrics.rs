//! What the metrics facade is told; nothing without the feature `metrics`.

#[cfg(feature = "metrics")]
pub(crate) use self::told::Metrics;
#[cfg(not(feature = "metrics"))]
pub(crate) use self::untold::Metrics;

#[cfg(feature = "metrics")]
mod told {
    use metrics::counter;

    const REQUESTS: &str = "tower_sliding_window.requests";
    const WAITED: &str = "tower_sliding_window.waited";

    /// The recorder is asked at each event, and so may be installed at any time.
    #[derive(Debug, Clone, Copy, Default)]
    pub(crate) struct Metrics {
        name: &'static str,
    }

    impl Metrics {
        pub(crate) const fn named(name: &'static str) -> Self {
            Self { name }
        }

        pub(crate) fn decided(self, outcome: &'static str) {
            counter!(REQUESTS, "limiter" => self.name, "outcome" => outcome).increment(1);
        }

        pub(crate) fn waited(self) {
            counter!(WAITED, "limiter" => self.name).increment(1);
        }
    }
}

#[cfg(not(feature = "metrics"))]
mod untold {
    #[derive(Debug, Clone, Copy, Default)]
    pub(crate) struct Metrics;

    impl Metrics {
        pub(crate) const fn named(_: &'static str) -> Self {
            Self
        }

        pub(crate) const fn decided(self, _: &'static str) {}

        pub(crate) const fn waited(self) {}
    }
}
