//! Bodies that are read while they are verified.

use std::{convert::Infallible, sync::atomic::Ordering, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body::{Body, SizeHint};
use http_body_util::BodyExt;
use tower::{Layer, ServiceExt, service_fn};
use tower_conformance::{Probe, ProbeBody, Subject, Violations, check};
use tower_webhook_hmac::{
    Rejection, Scheme, Secrets, VerifyWebhookLayer,
    passing::{NeedsBody, PassWebhook, PassingBody, PassingError, Verification},
};

use crate::script::{Broken, Script, Step, data, layer, secret, signed};

/// What a handler that reads to the end has read, and how it ended.
#[derive(Debug, Default, PartialEq)]
struct Read {
    frames: Vec<Bytes>,
    trailers: Option<HeaderMap>,
    error: Option<PassingError<Broken>>,
    verified: bool,
}

async fn send(layer: VerifyWebhookLayer, request: Request<Script>) -> Response<Option<Read>> {
    let handler = service_fn(|request: Request<PassingBody<Script>>| async move {
        let verification = request.extensions().get::<Verification>().cloned().unwrap();
        let mut body = request.into_body();
        let mut read = Read::default();
        while let Some(frame) = body.frame().await {
            match frame.map(http_body::Frame::into_data) {
                Ok(Ok(data)) => read.frames.push(data),
                Ok(Err(frame)) => read.trailers = frame.into_trailers().ok(),
                Err(error) => read.error = Some(error),
            }
            if !body.is_end_stream() {
                assert!(verification.verified().is_none(), "before the end");
            }
        }
        assert!(body.is_end_stream());
        assert!(body.frame().await.is_none());
        read.verified = verification.verified().is_some();
        Ok::<_, Infallible>(Response::new(Some(read)))
    });
    layer
        .pass_through()
        .unwrap()
        .layer(handler)
        .oneshot(request)
        .await
        .unwrap()
}

async fn read(layer: VerifyWebhookLayer, request: Request<Script>) -> Read {
    send(layer, request).await.into_body().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_right_body_passes_frame_by_frame() {
    let steps = [
        data("hello "),
        Step::Wait(Duration::from_secs(1)),
        data(""),
        data("world"),
    ];
    let read_all = read(layer(), signed(Script::new(steps.clone()), "hello world")).await;
    assert_eq!(read_all.frames, ["hello ", "", "world"]);
    assert!(read_all.verified && read_all.error.is_none());
    let trailers = Step::Trailers(HeaderMap::new());
    let steps = steps.into_iter().chain([trailers, data("smuggled")]);
    let trailed = read(layer(), signed(Script::new(steps), "hello world")).await;
    assert_eq!(
        (trailed.frames.len(), trailed.trailers),
        (3, Some(HeaderMap::new()))
    );
    assert!(trailed.verified);
}

#[tokio::test(start_paused = true)]
async fn what_is_wrong_with_a_body_is_its_last_frame() {
    let hour = Duration::from_secs(3600);
    let cases = [
        (
            vec![data("hello "), data("moon")],
            PassingError::Rejected(Rejection::WrongSignature),
        ),
        (
            vec![data("hello world and more")],
            PassingError::Rejected(Rejection::BodyTooLarge { limit: 11 }),
        ),
        (
            vec![data("hello "), Step::Wait(hour), data("world")],
            PassingError::Rejected(Rejection::BodyTooSlow),
        ),
        (
            vec![data("hello world"), Step::Fail],
            PassingError::Body(Broken),
        ),
        (
            vec![data("hello"), Step::Trailers(HeaderMap::new())],
            PassingError::Rejected(Rejection::WrongSignature),
        ),
    ];
    for (steps, error) in cases {
        let request = signed(Script::new(steps), "hello world");
        let read = read(layer().max_body(11), request).await;
        assert_eq!(read.error, Some(error));
        assert!(!read.verified && read.trailers.is_none());
    }
}

#[tokio::test]
async fn a_reader_that_counts_is_told_before_the_last_byte() {
    let handler = service_fn(|request: Request<PassingBody<ProbeBody>>| async move {
        let mut body = request.into_body();
        let first = body.frame().await.unwrap();
        Ok::<_, Infallible>(Response::new(first.is_err()))
    });
    let service = layer().pass_through().unwrap().layer(handler);
    // It says with its only frame that nothing follows.
    let body = ProbeBody::new().data("moon");
    let ends = body.size_hint().exact() == Some(4);
    let refused = service.oneshot(signed(body, "world")).await.unwrap();
    assert!(refused.into_body() || !ends);
}

#[tokio::test]
async fn headers_that_cannot_pass_call_nobody() {
    let body = Script::new([data("x")]).with_hint(SizeHint::with_exact(1));
    let polls = body.polls();
    let refused = send(layer(), Request::new(body)).await;
    assert_eq!(
        (refused.status().as_u16(), polls.load(Ordering::SeqCst)),
        (401, 0)
    );
    assert_eq!(
        refused.extensions().get(),
        Some(&Rejection::MissingSignature)
    );
}

#[tokio::test]
async fn older_secrets_are_tried_at_once() {
    let other = tower_webhook_hmac::Secret::new("other").unwrap();
    let secrets = Secrets::new(other).previous(secret());
    let request = signed(Script::new([data("x")]), "x");
    assert!(
        read(VerifyWebhookLayer::github(secrets), request)
            .await
            .verified
    );
}

#[test]
fn schemes_that_need_the_whole_body_are_refused() {
    for scheme in [Scheme::linear(), Scheme::twilio("https://example.com")] {
        let layer = VerifyWebhookLayer::new(scheme, secret()).pass_through();
        assert_eq!(layer.err(), Some(NeedsBody));
    }
}

struct Passed;

impl Subject for Passed {
    type Request = Request<ProbeBody>;
    type Response = Response<()>;
    type Service = PassWebhook<Probe<Response<()>>, Secrets>;

    fn service(&self, inner: Probe<Response<()>>) -> Self::Service {
        layer().pass_through().unwrap().layer(inner)
    }

    fn request(&self) -> Request<ProbeBody> {
        signed(ProbeBody::new().data("x"), "x")
    }

    fn response() -> Response<()> {
        Response::new(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_passes_keeps_the_laws() -> Result<(), Violations> {
    check(&Passed).await
}
