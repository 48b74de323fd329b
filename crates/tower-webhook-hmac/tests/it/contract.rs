//! The laws of `Service`.

use bytes::Bytes;
use http::{Request, Response};
use tower::{Layer, ServiceExt, service_fn};
use tower_conformance::{Probe, ProbeBody, Subject, Violation, Violations, check, laws};
use tower_webhook_hmac::{Rejection, VerifiedBody, VerifyWebhook};

use crate::script::{layer, signed};

fn body() -> ProbeBody {
    ProbeBody::new().data("hello ").pending().data("world")
}

struct Accepted;

impl Subject for Accepted {
    type Request = Request<ProbeBody>;
    type Response = Response<()>;
    type Service = VerifyWebhook<Probe<Response<()>>>;

    fn service(&self, inner: Probe<Response<()>>) -> Self::Service {
        layer().layer(inner)
    }

    fn request(&self) -> Request<ProbeBody> {
        signed(body(), "hello world")
    }

    fn response() -> Response<()> {
        Response::new(())
    }
}

/// By its headers, or after its body.
enum Refused {
    Unsigned,
    Altered,
}

impl Subject for Refused {
    type Request = Request<ProbeBody>;
    type Response = Response<()>;
    type Service = VerifyWebhook<Probe<Response<()>>>;

    const REACHES_INNER: bool = false;

    fn service(&self, inner: Probe<Response<()>>) -> Self::Service {
        layer().layer(inner)
    }

    fn request(&self) -> Request<ProbeBody> {
        match self {
            Self::Unsigned => Request::new(body()),
            Self::Altered => signed(body(), "hello moon"),
        }
    }

    fn response() -> Response<()> {
        Response::new(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_accepts_keeps_the_laws() -> Result<(), Violations> {
    check(&Accepted).await
}

#[tokio::test(start_paused = true)]
async fn a_service_that_refuses_keeps_the_laws() -> Result<(), Violations> {
    check(&Refused::Unsigned).await?;
    check(&Refused::Altered).await
}

#[tokio::test(start_paused = true)]
async fn a_verified_body_is_the_body_that_came() -> Result<(), Violation> {
    laws::body_is_kept(async |body: ProbeBody| {
        let hand_back = service_fn(|request: Request<VerifiedBody>| async {
            Ok::<_, Rejection>(Response::new(request.into_body()))
        });
        let content: Bytes = body.remaining_data();
        let response = layer()
            .layer(hand_back)
            .oneshot(signed(body, content))
            .await?;
        match response.extensions().get::<Rejection>() {
            Some(rejection) => Err(*rejection),
            None => Ok(response.into_body()),
        }
    })
    .await
}
