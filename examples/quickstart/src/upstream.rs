use std::{
    convert::Infallible,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use axum::{body::Body, extract::Request, response::Response};
use codegen_api::server::serve;
use tokio::net::TcpListener;
use tower::service_fn;

/// A server that answers the health operation, and fails as often as it is told to.
#[derive(Debug, Clone)]
pub(crate) struct Upstream {
    address: SocketAddr,
    failures: Arc<AtomicU32>,
    requests: Arc<AtomicU32>,
}

impl Upstream {
    /// Listens on a free loopback port until the program ends.
    pub(crate) async fn start() -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let upstream = Self {
            address: listener.local_addr()?,
            failures: Arc::default(),
            requests: Arc::default(),
        };
        let answering = upstream.clone();
        let app = service_fn(move |_: Request| {
            let response = answering.answer();
            async { Ok::<_, Infallible>(response) }
        });
        tokio::spawn(serve(listener, app, std::future::pending(), Duration::ZERO));
        Ok(upstream)
    }

    pub(crate) fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Fails the next `requests`, then answers again.
    pub(crate) fn fail(&self, requests: u32) {
        self.failures.store(requests, Relaxed);
    }

    /// Requests seen so far.
    pub(crate) fn requests(&self) -> u32 {
        self.requests.load(Relaxed)
    }

    fn answer(&self) -> Response {
        self.requests.fetch_add(1, Relaxed);
        let fails = self
            .failures
            .fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1))
            .is_ok();
        let (status, body) = if fails {
            (503, r#"{"message": "out of order", "status_code": 503}"#)
        } else {
            (200, r#"{"status": "healthy"}"#)
        };
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or_default();
        let json = http::HeaderValue::from_static("application/json");
        response
            .headers_mut()
            .insert(http::header::CONTENT_TYPE, json);
        response
    }
}
