//! What the metrics facade is told; nothing without the feature `metrics`.

#[cfg(feature = "metrics")]
pub(crate) use self::told::Metrics;
#[cfg(not(feature = "metrics"))]
pub(crate) use self::untold::Metrics;

#[cfg(feature = "metrics")]
mod told {
    use metrics::counter;

    use crate::Stop;

    const RETRIES: &str = "tower_retry_backoff.retries";
    const GAVE_UP: &str = "tower_retry_backoff.gave_up";

    /// The recorder is asked at each event: none is on the path of a call that succeeds at once, and
    /// so a recorder may be installed at any time.
    #[derive(Debug, Clone, Copy)]
    pub(crate) struct Metrics {
        upstream: &'static str,
    }

    impl Metrics {
        pub(crate) fn new(upstream: &'static str) -> Self {
            Self { upstream }
        }

        pub(crate) fn retry_started(self) {
            counter!(RETRIES, "upstream" => self.upstream).increment(1);
        }

        pub(crate) fn call_gave_up(self, why: Stop) {
            counter!(GAVE_UP, "upstream" => self.upstream, "reason" => why.as_str()).increment(1);
        }
    }
}

#[cfg(not(feature = "metrics"))]
mod untold {
    use crate::Stop;

    #[derive(Debug, Clone, Copy)]
    pub(crate) struct Metrics;

    impl Metrics {
        pub(crate) fn new(_: &'static str) -> Self {
            Self
        }

        pub(crate) fn retry_started(self) {}

        pub(crate) fn call_gave_up(self, _: Stop) {}
    }
}
