//! The bottom of the stack: hyper's pooled client over TLS, answers read whole.

use std::{fmt, time::Duration};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use tower::{BoxError, Service};

use crate::config::ConfigError;

/// Largest answer: a page of a hundred runs with long results fits many times over.
const MAX_ANSWER: usize = 16 << 20;

/// How long a connection may take to come about; one attempt should not die of one address.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Idle connections are closed before servers and load balancers commonly close them.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// An attempt that got no answer.
#[derive(Debug)]
pub(super) enum TransportError {
    /// No connection came about.
    Connect(hyper_util::client::legacy::Error),
    /// The connection broke before the answer.
    Send(hyper_util::client::legacy::Error),
    /// The answer broke off.
    Body(BoxError),
    /// The answer is larger than [`MAX_ANSWER`].
    TooLarge,
    /// A transport of the caller's failed.
    Custom(BoxError),
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(_) => f.write_str("no connection to the server"),
            Self::Send(_) => f.write_str("the connection broke"),
            Self::Body(_) => f.write_str("the answer broke off"),
            Self::TooLarge => write!(f, "the answer is over {MAX_ANSWER} bytes"),
            Self::Custom(_) => f.write_str("the transport failed"),
        }
    }
}

impl std::error::Error for TransportError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Connect(source) | Self::Send(source) => Some(source),
            Self::Body(source) | Self::Custom(source) => Some(&**source),
            Self::TooLarge => None,
        }
    }
}

/// HTTP/1.1 with keep-alive, plain or TLS by the scheme of the URL.
pub(super) fn transport() -> Result<
    impl Service<
        Request<Full<Bytes>>,
        Response = Response<Full<Bytes>>,
        Error = TransportError,
        Future: Send + 'static,
    > + Clone
    + Send
    + Sync
    + 'static,
    ConfigError,
> {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
    let connector = HttpsConnectorBuilder::new()
        .with_provider_and_webpki_roots(rustls::crypto::ring::default_provider())
        .map_err(|_| ConfigError::new("tls", "a provider with the protocol versions of rustls"))?
        .https_or_http()
        .enable_http1()
        .wrap_connector(tcp);
    let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE_TIMEOUT)
        .build(connector);
    Ok(tower::service_fn(move |request| {
        let sent = client.request(request);
        async move {
            let answer = sent.await.map_err(|error| {
                if error.is_connect() {
                    TransportError::Connect(error)
                } else {
                    TransportError::Send(error)
                }
            })?;
            let (parts, body) = answer.into_parts();
            let body = Limited::new(body, MAX_ANSWER)
                .collect()
                .await
                .map_err(|error| {
                    if error.is::<LengthLimitError>() {
                        TransportError::TooLarge
                    } else {
                        TransportError::Body(error)
                    }
                })?;
            Ok(Response::from_parts(parts, Full::new(body.to_bytes())))
        }
    }))
}
