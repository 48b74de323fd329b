use std::{fmt, sync::Arc};

use metrics::{Label, Recorder, SharedString};
use tower_layer::Layer;

use crate::{
    classify::Unclassified,
    registry::{Config, Registry},
    route::NoRoute,
    semantics::{Kind, is_own_label, is_same_label},
    service::RequestMetrics,
};

const MAX_SERIES: usize = 2_000;

/// Measures the requests of every service it is applied to. See the [crate docs](crate).
///
/// All services made by one layer and its clones share its series and their limit.
#[derive(Clone)]
pub struct RequestMetricsLayer<R = NoRoute, C = Unclassified> {
    registry: Arc<Registry>,
    route: R,
    classify: C,
}

impl RequestMetricsLayer {
    /// Measures requests that arrive, as `http.server.request.duration` and
    /// `http.server.active_requests`. A 4xx is no error.
    #[must_use]
    pub fn server() -> Self {
        Self::new(Kind::Server)
    }

    /// Measures single attempts to send a request, as `http.client.request.duration` and
    /// `http.client.active_requests`. A 4xx is an error.
    ///
    /// Belongs inside retries, next to the transport.
    #[must_use]
    pub fn client() -> Self {
        Self::new(Kind::Client)
    }

    /// Measures what the caller of a client sees, retries and waiting included, as
    /// `http.client.operation.duration` and `http.client.active_operations`. A 4xx is an error.
    ///
    /// Belongs outermost.
    #[must_use]
    pub fn operation() -> Self {
        Self::new(Kind::Operation)
    }

    fn new(kind: Kind) -> Self {
        let config = Config {
            kind,
            labels: Vec::new(),
            max_series: MAX_SERIES,
            route_slot: false,
            recorder: None,
        };
        Self {
            registry: Arc::new(Registry::new(config)),
            route: NoRoute,
            classify: Unclassified,
        }
    }
}

impl<R, C> RequestMetricsLayer<R, C> {
    /// Takes the route from the request: a closure or another [`RouteLabel`](crate::RouteLabel).
    /// By default there is none.
    #[must_use]
    pub fn route<T>(self, route: T) -> RequestMetricsLayer<T, C> {
        RequestMetricsLayer {
            registry: self.registry,
            route,
            classify: self.classify,
        }
    }

    /// Puts a [`RouteSlot`](crate::RouteSlot) into every request, for inner code to fill. What it
    /// holds in the end goes before the [`route`](Self::route) of the request.
    ///
    /// Off by default, as an entry in the request's extensions costs up to four small allocations.
    #[must_use]
    pub fn route_slot(self) -> Self {
        self.configure(|config| config.route_slot = true)
    }

    /// Names the inner service's errors: a closure or another [`Classify`](crate::Classify). By
    /// default all are `_OTHER`.
    #[must_use]
    pub fn classify<T>(self, classify: T) -> RequestMetricsLayer<R, T> {
        RequestMetricsLayer {
            registry: self.registry,
            route: self.route,
            classify,
        }
    }

    /// Adds a constant label to every series, such as `url.scheme` or `server.address`. A second
    /// value for the same name replaces the first; the names of the
    /// [layer's own labels](crate#labels) are ignored.
    #[must_use]
    pub fn label(self, name: impl Into<SharedString>, value: impl Into<SharedString>) -> Self {
        let label = Label::new(name, value);
        self.configure(|config| {
            if !is_own_label(label.key()) {
                config
                    .labels
                    .retain(|known| !is_same_label(known.key(), label.key()));
                config.labels.push(label);
            }
        })
    }

    /// At most this many duration series, the overflow series not counted. Default 2,000, as in
    /// the OpenTelemetry SDKs.
    ///
    /// Once they are used up, a request that would need another is recorded in one series with the
    /// constant labels and `otel.metric.overflow="true"`, so totals stay true.
    #[must_use]
    pub fn max_series(self, max_series: usize) -> Self {
        self.configure(|config| config.max_series = max_series)
    }

    /// Records into this recorder instead of the facade's own.
    ///
    /// By default the recorder is the one in force while a request is handled, so it may be
    /// installed after the layer is built; requests before that leave no trace. Thread-local
    /// recorders are followed too, but every change from one to another renews all handles: tests
    /// should rather pass their recorder in here.
    #[must_use]
    pub fn recorder(self, recorder: Arc<dyn Recorder + Send + Sync>) -> Self {
        self.configure(|config| config.recorder = Some(recorder))
    }

    fn configure(self, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = self.registry.config.clone();
        change(&mut config);
        Self {
            registry: Arc::new(Registry::new(config)),
            ..self
        }
    }
}

impl<S, R, C> Layer<S> for RequestMetricsLayer<R, C>
where
    R: Clone,
    C: Clone,
{
    type Service = RequestMetrics<S, R, C>;

    fn layer(&self, inner: S) -> Self::Service {
        RequestMetrics::new(
            inner,
            Arc::clone(&self.registry),
            self.route.clone(),
            self.classify.clone(),
        )
    }
}

impl<R, C> fmt::Debug for RequestMetricsLayer<R, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestMetricsLayer")
            .field("registry", &self.registry)
            .finish_non_exhaustive()
    }
}
