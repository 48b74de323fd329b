use http::Request;

/// Says which requests are not measured at all, such as the probes of a load balancer.
///
/// Implemented by closures `Fn(&Request<B>) -> bool`.
///
/// ```
/// use http::Request;
/// use tower_request_metrics::RequestMetricsLayer;
///
/// let layer = RequestMetricsLayer::server()
///     .skip(|request: &Request<String>| request.uri().path() == "/metrics");
/// # let _ = layer;
/// ```
pub trait Skip<B> {
    /// Whether this request leaves no trace.
    fn skip(&self, request: &Request<B>) -> bool;
}

impl<B, F> Skip<B> for F
where
    F: Fn(&Request<B>) -> bool,
{
    fn skip(&self, request: &Request<B>) -> bool {
        self(request)
    }
}

/// Every request is measured: the default.
#[derive(Clone, Copy, Debug, Default)]
pub struct SkipNothing;

impl<B> Skip<B> for SkipNothing {
    fn skip(&self, _: &Request<B>) -> bool {
        false
    }
}
