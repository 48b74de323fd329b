use std::{
    fmt,
    hash::Hash,
    num::{NonZeroU16, NonZeroUsize},
    sync::Arc,
    time::Duration,
};

use tower_layer::Layer;

use crate::{
    CircuitBreaker, FailOnError, GateLayer, Handle, KeyedCircuitBreakerLayer, ObserveLayer,
    OnCancel, Trip, Verdict, WhenOpen,
    circuit::Circuit,
    open_time::{OpenTime, whole_millis},
    pass::Link,
    settings::Settings,
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
    /// do not come back in one wave. A [hint](crate::Classify::retry_after) of the service lengthens
    /// it up to the cap, and up to a tenth is added to the hint for the same reason. Rounded up to whole milliseconds, at least one, at most 24
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

    /// After the probes have passed, admits a growing share of the calls for this long: a tenth of
    /// them at first, then evenly more, chosen at random. A service that came back with cold caches
    /// is not hit by everything at once. The circuit counts as closed meanwhile, but if it opens
    /// again, then for longer.
    ///
    /// Default: none, all calls pass at once. At most 24 days.
    #[must_use]
    pub fn ramp(self, ramp: Duration) -> Self {
        self.with(|settings| {
            settings.rules.ramp = if ramp.is_zero() {
                0
            } else {
                whole_millis(ramp)
            };
        })
    }

    /// What it says about the service when a call is dropped before it ended. Default:
    /// [`OnCancel::FailureIfSlow`], because a call that its caller gave up after long enough is
    /// evidence, and one that just lost interest is not.
    #[must_use]
    pub fn on_cancel(self, on_cancel: OnCancel) -> Self {
        self.with(|settings| settings.on_cancel = on_cancel)
    }

    /// The verdict for a call that panics. Default: [`Verdict::Failure`].
    #[must_use]
    pub fn on_panic(self, verdict: Verdict) -> Self {
        self.with(|settings| settings.on_panic = verdict)
    }

    /// What a service does while its circuit refuses calls. Default: [`WhenOpen::Reject`], because
    /// few callers are better off waiting.
    #[must_use]
    pub fn when_open(self, when_open: WhenOpen) -> Self {
        self.with(|settings| settings.when_open = when_open)
    }

    /// Names the circuit in its metrics. Default: no name.
    #[must_use]
    pub fn name(self, name: &'static str) -> Self {
        self.with(|settings| settings.name = Some(name))
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

    /// Makes a circuit for every key, with the settings of this layer and at most `max_keys` of
    /// them, for instance one per host behind a shared client.
    ///
    /// When there is no room for another, one of sixteen is forgotten: the closed before the open,
    /// these before the isolated and disabled, and of equals the one not called for the longest
    /// time. Calls of a forgotten key that still run end as they would, and say nothing any more.
    ///
    /// A call takes a shared lock for the time of a lookup, the first call of a key an exclusive
    /// one and the memory of a circuit. Whatever makes keys without end costs `max_keys` circuits
    /// at most. [`when_open`](Self::when_open) has no effect: readiness is asked for before the key
    /// is known.
    ///
    /// ```
    /// use std::num::NonZeroUsize;
    /// use tower::{Layer, Service, ServiceExt, service_fn};
    /// use tower_circuit_breaker::{CircuitBreakerLayer, State};
    ///
    /// # tokio_test::block_on(async {
    /// const MAX_HOSTS: NonZeroUsize = NonZeroUsize::new(1_000).unwrap();
    ///
    /// let layer = CircuitBreakerLayer::new().per_key(|host: &&'static str| *host, MAX_HOSTS);
    /// let circuits = layer.handle();
    /// let mut client = layer.layer(service_fn(async |host: &'static str| match host {
    ///     "down.example" => Err("unreachable"),
    ///     _ => Ok("hello"),
    /// }));
    ///
    /// for _ in 0..5 {
    ///     let _ = client.ready().await?.call("down.example").await;
    /// }
    /// client.ready().await?.call("up.example").await?;
    /// let state = |host| circuits.get(&host).map(|circuit| circuit.state());
    /// assert_eq!(state("down.example"), Some(State::Open));
    /// assert_eq!(state("up.example"), Some(State::Closed));
    /// # Ok::<_, tower_circuit_breaker::Error<&str>>(())
    /// # }).unwrap();
    /// ```
    #[must_use]
    pub fn per_key<F, K>(self, key: F, max_keys: NonZeroUsize) -> KeyedCircuitBreakerLayer<F, K, C>
    where
        K: Hash + Eq + Clone,
    {
        KeyedCircuitBreakerLayer::new(key, max_keys, *self.circuit.settings(), self.classifier)
    }

    /// The two halves of a breaker, on the circuit of this layer, for a stack with something between
    /// them that waits, such as a limiter.
    ///
    /// The gate, above, refuses calls before they wait. The other half, below, starts the clock of
    /// slow calls when the wait is over, judges the results, and refuses calls whose circuit opened
    /// while they waited. A call that is dropped while it waits says nothing. What stands between
    /// sees the request inside of [`Admitted`](crate::Admitted).
    ///
    /// ```
    /// use tower::{Service, ServiceBuilder, ServiceExt, service_fn};
    /// use tower_circuit_breaker::{Admitted, CircuitBreakerLayer};
    ///
    /// # tokio_test::block_on(async {
    /// let (gate, observe) = CircuitBreakerLayer::new().split();
    /// let mut service = ServiceBuilder::new()
    ///     .layer(gate)
    ///     .concurrency_limit(8)
    ///     .map_request(|request: Admitted<u32>| request)
    ///     .layer(observe)
    ///     .service(service_fn(async |number: u32| Ok::<_, ()>(number + 1)));
    /// assert_eq!(service.ready().await.unwrap().call(1).await, Ok(2));
    /// # });
    /// ```
    #[must_use]
    pub fn split(&self) -> (GateLayer, ObserveLayer<C>) {
        let gate = GateLayer::new(Arc::clone(&self.circuit));
        (gate, ObserveLayer::new(self.link()))
    }

    pub(crate) fn link(&self) -> Link<C> {
        Link {
            circuit: Arc::clone(&self.circuit),
            classifier: Arc::clone(&self.classifier),
        }
    }

    fn with(self, change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = *self.circuit.settings();
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
        CircuitBreaker::new(inner, self.link())
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
