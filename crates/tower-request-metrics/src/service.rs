use std::{
    fmt,
    sync::Arc,
    task::{Context, Poll},
};

use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use crate::{
    body::MetricsBody,
    classify::{Classify, Unclassified},
    future::ResponseFuture,
    measurement::Measurement,
    registry::Registry,
    route::{NoRoute, RouteLabel, RouteSlot},
    skip::{Skip, SkipNothing},
};

/// A service whose requests are measured. Made by
/// [`RequestMetricsLayer`](crate::RequestMetricsLayer); see the [crate docs](crate).
#[derive(Clone)]
pub struct RequestMetrics<S, R = NoRoute, C = Unclassified, K = SkipNothing> {
    inner: S,
    registry: Arc<Registry>,
    route: R,
    classify: C,
    skip: K,
}

impl<S, R, C, K> RequestMetrics<S, R, C, K> {
    pub(crate) fn new(inner: S, registry: Arc<Registry>, route: R, classify: C, skip: K) -> Self {
        Self {
            inner,
            registry,
            route,
            classify,
            skip,
        }
    }
}

/// # Clone
///
/// `C` is cloned into every response future, which needs it when the service has answered. The
/// default and most closures are empty, so nothing is copied.
impl<S, R, C, K, B, ResB> Service<Request<B>> for RequestMetrics<S, R, C, K>
where
    S: Service<Request<B>, Response = Response<ResB>>,
    R: RouteLabel<B>,
    C: Classify<S::Error> + Clone,
    K: Skip<B>,
    ResB: Body,
{
    type Response = Response<MetricsBody<ResB>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, C>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let measurement = (!self.skip.skip(&request)).then(|| self.measure(&mut request));
        ResponseFuture::new(self.inner.call(request), measurement, self.classify.clone())
    }
}

impl<S, R, C, K> RequestMetrics<S, R, C, K> {
    fn measure<B>(&self, request: &mut Request<B>) -> Measurement
    where
        R: RouteLabel<B>,
    {
        // First of all, so that a panic in the rest is counted.
        let mut measurement = Measurement::start(&self.registry, request.method());
        measurement.route = self.route.route(request);
        if self.registry.config.route_slot {
            let slot = request
                .extensions_mut()
                .get_or_insert_with(RouteSlot::default);
            measurement.slot = Some(slot.clone());
        }
        measurement
    }
}

impl<S, R, C, K> fmt::Debug for RequestMetrics<S, R, C, K>
where
    S: fmt::Debug,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestMetrics")
            .field("inner", &self.inner)
            .field("registry", &self.registry)
            .finish_non_exhaustive()
    }
}
