use std::sync::{Arc, Mutex, PoisonError};

use http::Request;
use metrics::SharedString;

/// Names the route of a request, from what is known before it is answered.
///
/// Implemented by closures `Fn(&Request<B>) -> Option<L>` where `L` is a `&'static str`, a `String`,
/// an `Arc<str>` or a [`SharedString`]. `None` leaves the label out.
///
/// A label is a template such as `/v1/runs/{id}`, out of a set that the program knows. A path the
/// sender chose is none: it would make a series of every request.
///
/// ```
/// use http::Request;
/// use tower_request_metrics::RequestMetricsLayer;
///
/// /// Put into the request by the code that builds it.
/// #[derive(Clone)]
/// struct Template(&'static str);
///
/// let layer = RequestMetricsLayer::client().route(|request: &Request<String>| {
///     request.extensions().get::<Template>().map(|template| template.0)
/// });
/// # let _ = layer;
/// ```
pub trait RouteLabel<B> {
    /// The label for this request, or `None` when it has no route.
    fn route(&self, request: &Request<B>) -> Option<SharedString>;
}

impl<B, F, L> RouteLabel<B> for F
where
    F: Fn(&Request<B>) -> Option<L>,
    L: Into<SharedString>,
{
    fn route(&self, request: &Request<B>) -> Option<SharedString> {
        self(request).map(Into::into)
    }
}

/// No route is known beforehand: the default.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoRoute;

impl<B> RouteLabel<B> for NoRoute {
    fn route(&self, _: &Request<B>) -> Option<SharedString> {
        None
    }
}

/// A place in the request's extensions where inner code writes the route it has matched.
///
/// The layer stands outside the router, where the route is not known yet;
/// [`RequestMetricsLayer::route_slot`](crate::RequestMetricsLayer::route_slot) puts one of these
/// into every request. The layer keeps a clone and reads it when the request ends, so the route is
/// also known for requests that time out, are cancelled or panic after they were routed.
///
/// Nested layers share the slot of the outermost. Cost: about 50 bytes and a lock that is never
/// contended, per request.
#[derive(Clone, Debug, Default)]
pub struct RouteSlot(Arc<Mutex<Option<SharedString>>>);

impl RouteSlot {
    /// Writes the route. The last one written counts, as the innermost router knows best.
    ///
    /// The same rule as for [`RouteLabel`]: a template, never a raw path. A `&'static str` and an
    /// `Arc<str>` cost nothing; a `String` is copied once when the request ends.
    pub fn set(&self, route: impl Into<SharedString>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(route.into());
    }

    pub(crate) fn route(&self) -> Option<SharedString> {
        // A lock poisoned between two whole values still holds a whole value.
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}
