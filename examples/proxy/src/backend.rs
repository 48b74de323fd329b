use std::{
    fmt,
    str::FromStr,
    task::{Context, Poll},
    time::Duration,
};

use http::{
    Request, Response, Uri,
    uri::{Authority, PathAndQuery, Scheme},
};
use hyper::body::Incoming;
use hyper_util::{
    client::legacy::{Client, Error, ResponseFuture, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use tower::Service;
use tower_load_balancer::{Endpoint, Endpoints};

use crate::body::Body;

pub(crate) type Backends = Endpoints<Origin, Backend>;
pub(crate) type HttpClient = Client<HttpConnector, Body>;

/// Connections to all backends. One that does not accept within two seconds is down.
pub(crate) fn client() -> HttpClient {
    let mut connector = HttpConnector::new();
    connector.set_connect_timeout(Some(Duration::from_secs(2)));
    connector.set_nodelay(true);
    Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .build(connector)
}

/// Where a backend is: `http://host:port`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Origin(Authority);

impl Origin {
    /// As a connection needs it.
    pub(crate) fn address(&self) -> String {
        format!("{}:{}", self.0.host(), self.0.port_u16().unwrap_or(80))
    }
}

impl FromStr for Origin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let uri: Uri = text.parse().map_err(|error| format!("{error}"))?;
        let parts = uri.into_parts();
        if parts.scheme != Some(Scheme::HTTP) {
            return Err(String::from("a backend is http://host:port"));
        }
        if parts.path_and_query.is_some_and(|path| path != "/") {
            return Err(String::from("a backend has no path"));
        }
        let authority = parts.authority.ok_or("a backend has a host")?;
        if authority.as_str().contains('@') {
            return Err(String::from("a backend has no credentials"));
        }
        Ok(Self(authority))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}", self.0)
    }
}

/// A service that sends requests to one origin.
#[derive(Debug, Clone)]
pub(crate) struct Backend {
    origin: Origin,
    client: HttpClient,
}

impl Backend {
    pub(crate) fn endpoint(origin: Origin, client: &HttpClient) -> Endpoint<Origin, Self> {
        let client = client.clone();
        Endpoint::new(origin.clone(), Self { origin, client })
    }
}

impl Service<Request<Body>> for Backend {
    type Response = Response<Incoming>;
    type Error = Error;
    type Future = ResponseFuture;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.client.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> ResponseFuture {
        let mut parts = std::mem::take(request.uri_mut()).into_parts();
        parts.scheme = Some(Scheme::HTTP);
        parts.authority = Some(self.origin.0.clone());
        parts
            .path_and_query
            .get_or_insert(PathAndQuery::from_static("/"));
        // All three parts are there, so this is a URI.
        *request.uri_mut() = Uri::from_parts(parts).unwrap_or_default();
        self.client.call(request)
    }
}
