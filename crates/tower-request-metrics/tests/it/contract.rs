//! The laws of `Service`.

use std::convert::Infallible;

use http::{Request, Response};
use tower::{Layer, Service, service_fn};
use tower_conformance::{Probe, ProbeBody, Subject, Violation, Violations, check, laws};
use tower_request_metrics::{RequestMetrics, RequestMetricsLayer};

use crate::{
    recorder::Memory,
    scripted::{ready, request},
};

/// A layer that uses all it has, and the memory that tells what is in flight.
#[derive(Default)]
struct Measured(Memory);

impl Subject for Measured {
    type Request = Request<()>;
    type Response = Response<ProbeBody>;
    type Service = RequestMetrics<Probe<Response<ProbeBody>>>;

    fn service(&self, inner: Probe<Response<ProbeBody>>) -> Self::Service {
        RequestMetricsLayer::server()
            .recorder(self.0.recorder())
            .route_slot()
            .layer(inner)
    }

    fn request(&self) -> Request<()> {
        Request::new(())
    }

    fn response() -> Response<ProbeBody> {
        Response::new(ProbeBody::new().data("hello").pending().data("world"))
    }

    fn held(&self, _: &Self::Service) -> usize {
        self.0.in_flight() as usize
    }
}

#[tokio::test(start_paused = true)]
async fn the_laws_of_service_are_kept() -> Result<(), Violations> {
    check(&Measured::default()).await
}

#[tokio::test(start_paused = true)]
async fn bodies_are_kept() -> Result<(), Violation> {
    laws::body_is_kept(async |body: ProbeBody| {
        let layer = RequestMetricsLayer::server().recorder(Memory::default().recorder());
        let mut service = layer.layer(service_fn(move |_: Request<()>| {
            let response = Response::new(body.clone());
            async { Ok::<_, Infallible>(response) }
        }));
        let response = ready(&mut service).await.call(request("GET")).await?;
        Ok::<_, Infallible>(response.into_body())
    })
    .await
}
