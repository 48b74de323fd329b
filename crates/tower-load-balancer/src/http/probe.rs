use std::future::poll_fn;

use http::{Method, Request, Response, Uri};
use tower_service::Service;

use crate::Probe;

/// Asks with a GET through the endpoint's own service; every 2xx is a pass.
///
/// ```
/// use http::Uri;
/// use tower_load_balancer::HttpProbe;
///
/// let probe = HttpProbe::new(Uri::from_static("/healthz"));
/// # let _ = probe;
/// ```
#[derive(Debug, Clone)]
pub struct HttpProbe {
    uri: Uri,
}

impl HttpProbe {
    /// Asks for `uri`: a path, when the service itself knows which host it talks to.
    #[must_use]
    pub const fn new(uri: Uri) -> Self {
        Self { uri }
    }
}

impl<K, S, B, Answer> Probe<K, S, Request<B>> for HttpProbe
where
    K: Send,
    S: Service<Request<B>, Response = Response<Answer>> + Send,
    S::Future: Send,
    B: Default + Send,
{
    async fn check(&self, _: K, mut service: S) -> bool {
        if poll_fn(|cx| service.poll_ready(cx)).await.is_err() {
            return false;
        }
        let mut request = Request::new(B::default());
        *request.method_mut() = Method::GET;
        *request.uri_mut() = self.uri.clone();
        let response = service.call(request).await;
        response.is_ok_and(|response| response.status().is_success())
    }
}
