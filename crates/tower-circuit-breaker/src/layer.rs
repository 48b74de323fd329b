use std::{fmt, num::NonZeroU16, sync::Arc, time::Duration};

use tower_layer::Layer;

use crate::{
    CircuitBreaker, FailOnError, Handle, Trip,
    circuit::{Circuit, Settings},
    open_time::OpenTime,
};

/// Puts a [`CircuitBreaker`] in front of a service. See the [crate documentation](crate).
///
/// A layer is one circuit: all services it makes, its clones and its [handles](Self::handle) share
/// it. Changing a setting makes a circuit of its own, new and closed, so set first and share then.
pub struct CircuitBreakerLayer<C = FailOnError> {
    circuit: Arc<Circuit>,
    classifier: Arc<C>,
}

impl CircuitBreakerLayer {
    /// A closed circuit with the defaults of every setting; errors are failures.
    #[must_use]
    pub fn new() -> Self {
        Self {
            circuit: Arc::new(Circuit::new(Settings::default())),
            classifier: Arc::new(FailOnError),
        }
    }
}

impl<C> CircuitBreakerLayer<C> {
    /// When the closed circuit opens. Default: half of the last 100 calls, at least 20 of them, or
    /// 5 failures in a row.
    #[must_use]
    pub fn trip(self, trip: Trip) -> Self {
        self.with(|settings| settings.trip = trip)
    }

    /// How long the circuit stays open: `base` at first, twice as long each time the probes fail,
    /// never longer than `cap`. Closing starts again with `base`. Give the same value twice for an
    /// open time that does not grow.
    ///
    /// Half of each time is random, so 5 seconds are 2.5 to 5: clients that lost the same service
    /// do not come back in one wave. Rounded up to whole milliseconds, at least one, at most 24
    /// days; a `cap` below `base` acts as `base`.
    ///
    /// Default: 5 seconds, a restart's length, to 120 seconds, the longest a recovered service
    /// should wait for its callers.
    #[must_use]
    pub fn open_for(self, base: Duration, cap: Duration) -> Self {
        self.with(|settings| settings.rules.open_time = OpenTime::new(base, cap))
    }

    /// How many calls a half-open circuit lets pass, and how many of them must succeed for it to
    /// close: exactly so many, however many callers there are. One failure opens it again.
    ///
    /// Default: 3. One lucky answer is weak evidence, many are a load the service may not bear yet.
    #[must_use]
    pub fn probes(self, probes: NonZeroU16) -> Self {
        self.with(|settings| settings.rules.probes = probes)
    }

    /// How long a probe may run before its place is given to another call. Its own result is late
    /// then. Without it a probe that hangs would keep the circuit half-open for ever.
    ///
    /// The lease counts from the last probe admitted and ends for all that still run. Default: 30
    /// seconds, longer than a healthy call should take. Rounded up to whole milliseconds, at least
    /// one.
    #[must_use]
    pub fn probe_lease(self, lease: Duration) -> Self {
        let millis = lease.as_nanos().div_ceil(1_000_000).max(1);
        self.with(|settings| settings.rules.lease = u64::try_from(millis).unwrap_or(u64::MAX))
    }

    /// Makes the random half of the open times repeatable. Default: a seed of the operating
    /// system.
    #[must_use]
    pub fn jitter_seed(self, seed: u64) -> Self {
        self.with(|settings| settings.jitter_seed = Some(seed))
    }

    /// What counts as a failure: a [`Classify`](crate::Classify), for instance a closure. Default:
    /// [`FailOnError`].
    #[must_use]
    pub fn classify<C2>(self, classifier: C2) -> CircuitBreakerLayer<C2> {
        CircuitBreakerLayer {
            circuit: self.with(|_| ()).circuit,
            classifier: Arc::new(classifier),
        }
    }

    /// Shows the circuit to the outside.
    #[must_use]
    pub fn handle(&self) -> Handle {
        Handle::new(Arc::clone(&self.circuit))
    }

    fn with(self, change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = self.circuit.settings();
        change(&mut settings);
        Self {
            circuit: Arc::new(Circuit::new(settings)),
            classifier: self.classifier,
        }
    }
}

impl<S, C> Layer<S> for CircuitBreakerLayer<C> {
    type Service = CircuitBreaker<S, C>;

    fn layer(&self, inner: S) -> Self::Service {
        CircuitBreaker::new(
            inner,
            Arc::clone(&self.circuit),
            Arc::clone(&self.classifier),
        )
    }
}

impl Default for CircuitBreakerLayer {
    fn default() -> Self {
        Self::new()
    }
}

// By hand: the classifier is shared, not cloned.
impl<C> Clone for CircuitBreakerLayer<C> {
    fn clone(&self) -> Self {
        Self {
            circuit: Arc::clone(&self.circuit),
            classifier: Arc::clone(&self.classifier),
        }
    }
}

// By hand: a closure has no `Debug`.
impl<C> fmt::Debug for CircuitBreakerLayer<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CircuitBreakerLayer")
            .field("circuit", &self.circuit)
            .finish_non_exhaustive()
    }
}
