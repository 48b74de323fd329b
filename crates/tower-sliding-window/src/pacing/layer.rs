use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use tower_layer::Layer;

use super::{service::ServerPacing, state::State};

/// Lets a client keep to what the server says of its quota.
///
/// It reads `Retry-After` on `429` and `503`, the `RateLimit` and `RateLimit-Policy` fields of
/// draft-ietf-httpapi-ratelimit-headers-10, and in their absence the `RateLimit-*` fields of older
/// drafts and `X-RateLimit-*`, on any response. When nothing remains, or the server asks for
/// patience, calls wait until it ends; when some remain, so many may start until then. Calls
/// under way are counted against what remains. Nobody is paced by a server that says nothing.
///
/// It is for one server: each has its own layer. It is not a limit of its own: put it inside a
/// [`RateLimitLayer`](crate::RateLimitLayer) that waits, which keeps calls in order and knows what
/// is left from the start, where this one learns it from refusals. All services of one layer and of
/// its clones share what they learn.
///
/// ```
/// use std::time::Duration;
/// use http::{Request, Response};
/// use tower::{Layer, Service, ServiceExt, service_fn};
/// use tower_sliding_window::ServerPacingLayer;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let pacing = ServerPacingLayer::new(Duration::from_secs(60));
/// let mut client = pacing.layer(service_fn(|_: Request<()>| async {
///     Response::builder().header("ratelimit", r#""burst";r=0;t=300"#).body(())
/// }));
/// client.ready().await?.call(Request::new(())).await?;
/// // Five minutes are more than one may wait.
/// assert!(client.ready().await?.call(Request::new(())).await.is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct ServerPacingLayer {
    max_wait: Duration,
    state: Arc<Mutex<State>>,
}

impl ServerPacingLayer {
    /// Lets a call wait up to `max_wait`; one that is known to have to wait longer fails at once.
    #[must_use]
    pub fn new(max_wait: Duration) -> Self {
        Self {
            max_wait,
            state: Arc::default(),
        }
    }
}

impl<S> Layer<S> for ServerPacingLayer {
    type Service = ServerPacing<S>;

    fn layer(&self, inner: S) -> ServerPacing<S> {
        ServerPacing {
            inner,
            max_wait: self.max_wait,
            state: Arc::clone(&self.state),
        }
    }
}
