use std::sync::Arc;

use http::{Response, StatusCode};
use http_body_util::BodyExt;
use hyper::{
    body::Incoming,
    upgrade::{OnUpgrade, Upgraded},
};
use hyper_util::rt::TokioIo;
use tokio::io::copy_bidirectional;
use tower_load_balancer::{AtBodyEnd, InFlight, Release};

use crate::body::{self, Body};

/// A request is in flight until its body has ended, or until the tunnel that it opened is closed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AtTheEnd;

/// What keeps a request with a tunnel in flight.
#[derive(Debug, Clone)]
pub(crate) struct Tunnel(#[expect(dead_code, reason = "held, not read")] Arc<InFlight>);

impl Release<Response<Incoming>> for AtTheEnd {
    type Response = Response<Body>;

    fn release(&self, mut response: Response<Incoming>, in_flight: InFlight) -> Response<Body> {
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            return AtBodyEnd
                .release(response, in_flight)
                .map(BodyExt::boxed_unsync);
        }
        response
            .extensions_mut()
            .insert(Tunnel(Arc::new(in_flight)));
        response.map(|_| body::empty())
    }
}

/// Passes bytes in both directions until both sides have ended.
pub(crate) async fn run(client: OnUpgrade, backend: OnUpgrade, tunnel: Option<Tunnel>) {
    let io = |upgraded: Upgraded| TokioIo::new(upgraded);
    if let (Ok(client), Ok(backend)) = (client.await, backend.await) {
        // A side that breaks off ends the other; there is nobody to tell.
        let _ = copy_bidirectional(&mut io(client), &mut io(backend)).await;
    }
    drop(tunnel);
}
