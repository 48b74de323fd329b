use std::{fmt, sync::Arc};

use metrics::{Label, Recorder, SharedString};
use tower_layer::Layer;

use crate::{
    classify::Unclassified,
    registry::{Config, Registry},
    route::NoRoute,
    semantics::{Kind, is_own_label, is_same_label},
    service::RequestMetrics,
    skip::SkipNothing,
    stats::Stats,
};

const MAX_SERIES: usize = 2_000;

/// Measures the requests of every service it is applied to. See the [crate docs](crate).
///
/// All services made by one layer and its clones share its series and their limit.
#[derive(Clone)]
pub struct RequestMetricsLayer<R = NoRoute, C = Unclassified, K = SkipNothing> {
    registry: Arc<Registry>,
    route: R,
    classify: C,
    skip: K,
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
            head_duration: false,
            response_size: false,
            grpc: false,
            stats: None,
            recorder: None,
        };
        Self {
            registry: Arc::new(Registry::new(config)),
            route: NoRoute,
            classify: Unclassified,
            skip: SkipNothing,
        }
    }
}

impl<R, C, K> RequestMetricsLayer<R, C, K> {
    /// Takes the route from the request: a closure or another [`RouteLabel`](crate::RouteLabel).
    /// By default there is none.
    #[must_use]
    pub fn route<T>(self, route: T) -> RequestMetricsLayer<T, C, K> {
        RequestMetricsLayer {
            registry: self.registry,
            route,
            classify: self.classify,
            skip: self.skip,
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

    /// Also records the time to the head of the response, as
    /// [`http.server.response.head.duration`](crate#metrics) and its like: what a stream takes to
    /// begin, where its whole duration says little.
    ///
    /// Off by default, as it doubles the number of histograms at the recorder.
    #[must_use]
    pub fn head_duration(self) -> Self {
        self.configure(|config| config.head_duration = true)
    }

    /// Also records the size of every response body, in bytes that were really read, as
    /// [`http.server.response.body.size`](crate#metrics) and its like.
    ///
    /// Off by default, as it doubles the number of histograms at the recorder.
    #[must_use]
    pub fn response_size(self) -> Self {
        self.configure(|config| config.response_size = true)
    }

    /// Looks for `grpc-status` in the trailers of answers whose content type is
    /// `application/grpc`, and in their head. It becomes the label `rpc.grpc.status_code` and
    /// decides about [`error.type`](crate#labels).
    ///
    /// Off by default; other answers are measured as ever, so one layer serves both.
    #[must_use]
    pub fn grpc(self) -> Self {
        self.configure(|config| config.grpc = true)
    }

    /// Also keeps the figures of the last minute in the process, in these [`Stats`](crate::Stats).
    #[must_use]
    pub fn stats(self, stats: &Stats) -> Self {
        let stats = stats.clone();
        self.configure(|config| config.stats = Some(stats))
    }

    /// Names the inner service's errors: a closure or another [`Classify`](crate::Classify). By
    /// default all are `_OTHER`.
    #[must_use]
    pub fn classify<T>(self, classify: T) -> RequestMetricsLayer<R, T, K> {
        RequestMetricsLayer {
            registry: self.registry,
            route: self.route,
            classify,
            skip: self.skip,
        }
    }

    /// Leaves out the requests of which this says so: a closure or another [`Skip`](crate::Skip).
    /// By default none.
    #[must_use]
    pub fn skip<T>(self, skip: T) -> RequestMetricsLayer<R, C, T> {
        RequestMetricsLayer {
            registry: self.registry,
            route: self.route,
            classify: self.classify,
            skip,
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

    /// At most this many series of each histogram, the overflow series not counted. Default 2,000, as in
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

impl<S, R, C, K> Layer<S> for RequestMetricsLayer<R, C, K>
where
    R: Clone,
    C: Clone,
    K: Clone,
{
    type Service = RequestMetrics<S, R, C, K>;

    fn layer(&self, inner: S) -> Self::Service {
        RequestMetrics::new(
            inner,
            Arc::clone(&self.registry),
            self.route.clone(),
            self.classify.clone(),
            self.skip.clone(),
        )
    }
}

impl<R, C, K> fmt::Debug for RequestMetricsLayer<R, C, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestMetricsLayer")
            .field("registry", &self.registry)
            .finish_non_exhaustive()
    }
}
