use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, Uri, header, uri::Scheme};
use http_body_util::{BodyExt, Either, Full};
use hyper::body::{Body, Incoming};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use tower::{BoxError, Service};

use crate::connection;

/// Content up to here is read before it goes on, so that it can be sent again.
const REPEATABLE: u64 = 64 << 10;

type Content = Either<Full<Bytes>, Incoming>;

/// The service behind the proxy.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    client: Client<HttpConnector, Content>,
    uri: Uri,
}

impl Origin {
    pub(crate) fn new(uri: Uri) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            // Shorter than servers keep idle connections, 5 s being the shortest in common use.
            .pool_idle_timeout(Duration::from_secs(3))
            .build(connector);
        Self { client, uri }
    }

    /// The same path at the origin.
    fn there(&self, uri: &Uri) -> Uri {
        let mut parts = uri.clone().into_parts();
        parts.scheme = Some(Scheme::HTTP);
        parts.authority = self.uri.authority().cloned();
        parts.path_and_query = parts
            .path_and_query
            .or_else(|| Some(http::uri::PathAndQuery::from_static("/")));
        // A path in place of a path is always a URI.
        Uri::from_parts(parts).unwrap_or_default()
    }
}

impl Service<Request<Incoming>> for Origin {
    type Response = Response<Incoming>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Incoming>) -> Self::Future {
        *request.uri_mut() = self.there(request.uri());
        connection::strip(request.headers_mut());
        let via = HeaderValue::from_static("1.1 cache-proxy");
        request.headers_mut().append(header::VIA, via);
        let client = self.client.clone();
        Box::pin(async move {
            let mut response = send(&client, request).await?;
            connection::strip(response.headers_mut());
            Ok(response)
        })
    }
}

/// Sends once more what an idle connection took into its grave, if it may be sent twice (RFC 9110
/// section 9.2.2).
async fn send(
    client: &Client<HttpConnector, Content>,
    request: Request<Incoming>,
) -> Result<Response<Incoming>, BoxError> {
    let (parts, content) = request.into_parts();
    let short = content
        .size_hint()
        .upper()
        .is_some_and(|most| most <= REPEATABLE);
    if !short {
        let request = Request::from_parts(parts, Either::Right(content));
        return Ok(client.request(request).await?);
    }
    let content = content.collect().await?.to_bytes();
    let again = parts.method.is_idempotent();
    let copy = || Request::from_parts(parts.clone(), Either::Left(Full::new(content.clone())));
    match client.request(copy()).await {
        Err(error) if again && !error.is_connect() => Ok(client.request(copy()).await?),
        result => Ok(result?),
    }
}
