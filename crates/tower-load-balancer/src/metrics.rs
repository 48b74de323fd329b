//! What the metrics facade is told; nothing without the feature `metrics`.

#[cfg(feature = "metrics")]
pub(crate) use self::told::Metrics;
#[cfg(not(feature = "metrics"))]
pub(crate) use self::untold::Metrics;

#[cfg(feature = "metrics")]
mod told {
    use metrics::{counter, gauge};

    use crate::tiers::Entry;

    const EJECTIONS: &str = "tower_load_balancer.ejections";
    const FAILOVERS: &str = "tower_load_balancer.failovers";
    const REFUSED: &str = "tower_load_balancer.refused";
    const ENDPOINTS: &str = "tower_load_balancer.endpoints";
    const HEALTHY: &str = "tower_load_balancer.healthy_endpoints";
    const PANIC: &str = "tower_load_balancer.panic";

    /// The recorder is asked at each event: none of them is on the path of a request that goes well,
    /// and so a recorder may be installed at any time.
    #[derive(Debug, Clone, Copy)]
    pub(crate) struct Metrics {
        name: &'static str,
    }

    impl Metrics {
        pub(crate) fn new(name: Option<&'static str>) -> Self {
            Self {
                name: name.unwrap_or_default(),
            }
        }

        pub(crate) fn ejected(&self) {
            counter!(EJECTIONS, "balancer" => self.name).increment(1);
        }

        pub(crate) fn failed_over(&self) {
            counter!(FAILOVERS, "balancer" => self.name).increment(1);
        }

        pub(crate) fn refused(&self, cause: &'static str) {
            counter!(REFUSED, "balancer" => self.name, "cause" => cause).increment(1);
        }

        pub(crate) fn health(&self, entries: &[Entry], panic: bool) {
            let healthy = entries
                .iter()
                .filter(|entry| entry.healthy && !entry.draining);
            gauge!(ENDPOINTS, "balancer" => self.name).set(entries.len() as f64);
            gauge!(HEALTHY, "balancer" => self.name).set(healthy.count() as f64);
            gauge!(PANIC, "balancer" => self.name).set(f64::from(u8::from(panic)));
        }
    }
}

#[cfg(not(feature = "metrics"))]
mod untold {
    use crate::tiers::Entry;

    #[derive(Debug, Clone, Copy)]
    pub(crate) struct Metrics;

    impl Metrics {
        pub(crate) fn new(_: Option<&'static str>) -> Self {
            Self
        }

        pub(crate) fn ejected(&self) {}

        pub(crate) fn failed_over(&self) {}

        pub(crate) fn refused(&self, _: &'static str) {}

        pub(crate) fn health(&self, _: &[Entry], _: bool) {}
    }
}
