//! Bodies that do as told, and the requests that carry them.

use std::{
    collections::VecDeque,
    convert::Infallible,
    fmt,
    future::poll_fn,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use tokio::time::{Sleep, sleep};
use tokio_test::{assert_ready_ok, task};
use tower::Service;
use tower_webhook_hmac::{Rejection, Scheme, Secret, Verified, VerifiedBody, VerifyWebhookLayer};

pub(crate) const SECRET: &str = "a secret of the tests";

pub(crate) fn secret() -> Secret {
    Secret::new(SECRET).unwrap()
}

pub(crate) fn layer() -> VerifyWebhookLayer {
    VerifyWebhookLayer::github(secret())
}

/// A request with the signature `body` ought to have.
pub(crate) fn signed<B>(body: B, content: impl AsRef<[u8]>) -> Request<B> {
    let mut request = Request::post("/hooks").body(body).unwrap();
    request
        .headers_mut()
        .extend(Scheme::github().sign(&secret(), content).unwrap());
    request
}

#[derive(Debug, Clone)]
pub(crate) enum Step {
    Data(Bytes),
    Trailers(HeaderMap),
    Fail,
    Wait(Duration),
    Hang,
}

pub(crate) fn data(bytes: &'static str) -> Step {
    Step::Data(Bytes::from_static(bytes.as_bytes()))
}

/// Follows its steps, and counts how often it is polled.
#[derive(Debug)]
pub(crate) struct Script {
    steps: VecDeque<Step>,
    waiting: Option<Pin<Box<Sleep>>>,
    hint: SizeHint,
    polls: Arc<AtomicUsize>,
}

impl Script {
    pub(crate) fn new(steps: impl IntoIterator<Item = Step>) -> Self {
        Self {
            steps: steps.into_iter().collect(),
            waiting: None,
            hint: SizeHint::default(),
            polls: Arc::default(),
        }
    }

    pub(crate) fn with_hint(mut self, hint: SizeHint) -> Self {
        self.hint = hint;
        self
    }

    pub(crate) fn polls(&self) -> Arc<AtomicUsize> {
        Arc::clone(&self.polls)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Broken;

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("broken")
    }
}

impl std::error::Error for Broken {}

impl Body for Script {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        self.polls.fetch_add(1, Ordering::SeqCst);
        loop {
            if let Some(waiting) = &mut self.waiting {
                std::task::ready!(waiting.as_mut().poll(cx));
                self.waiting = None;
            }
            return match self.steps.pop_front() {
                None => Poll::Ready(None),
                Some(Step::Data(data)) => Poll::Ready(Some(Ok(Frame::data(data)))),
                Some(Step::Trailers(map)) => Poll::Ready(Some(Ok(Frame::trailers(map)))),
                Some(Step::Fail) => Poll::Ready(Some(Err(Broken))),
                Some(Step::Wait(duration)) => {
                    self.waiting = Some(Box::pin(sleep(duration)));
                    continue;
                }
                Some(Step::Hang) => {
                    self.steps.push_front(Step::Hang);
                    Poll::Pending
                }
            };
        }
    }

    fn size_hint(&self) -> SizeHint {
        self.hint
    }
}

/// Readies `service`, which is ready at once, and calls it.
pub(crate) fn start<S, R>(service: &mut S, request: R) -> S::Future
where
    S: Service<R>,
    S::Error: fmt::Debug,
{
    assert_ready_ok!(task::spawn(poll_fn(|cx| service.poll_ready(cx))).poll());
    service.call(request)
}

/// What the inner service was called with.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Received {
    pub(crate) verified: Verified,
    pub(crate) frames: Vec<Bytes>,
    pub(crate) trailers: Option<HeaderMap>,
    pub(crate) hint: Option<u64>,
}

/// Sends `request` through `layer`: what reached the inner service, or why nothing did.
pub(crate) async fn send<B>(
    layer: &VerifyWebhookLayer,
    request: Request<B>,
) -> Result<Received, Rejection>
where
    B: Body<Data = Bytes>,
{
    let response = answer(layer, request).await;
    match response.extensions().get::<Rejection>() {
        Some(rejection) => {
            assert_eq!(response.status(), rejection.status());
            assert!(response.body().is_none());
            Err(*rejection)
        }
        None => Ok(response.into_body().unwrap()),
    }
}

pub(crate) async fn answer<B>(
    layer: &VerifyWebhookLayer,
    request: Request<B>,
) -> Response<Option<Received>>
where
    B: Body<Data = Bytes>,
{
    let mut service = tower::Layer::layer(
        layer,
        tower::service_fn(|request: Request<VerifiedBody>| async {
            let verified = request.extensions().get::<Verified>().unwrap().clone();
            let hint = request.body().size_hint().exact();
            let (frames, trailers) = collect(request.into_body()).await;
            Ok::<_, Infallible>(Response::new(Some(Received {
                verified,
                frames,
                trailers,
                hint,
            })))
        }),
    );
    let Ok(response) = start(&mut service, request).await;
    response
}

async fn collect(mut body: VerifiedBody) -> (Vec<Bytes>, Option<HeaderMap>) {
    let mut frames = Vec::new();
    let mut trailers = None;
    while !body.is_end_stream() {
        let Ok(frame) = body.frame().await.unwrap();
        match frame.into_data() {
            Ok(data) => frames.push(data),
            Err(frame) => trailers = frame.into_trailers().ok(),
        }
        let left: usize = frames.iter().map(Bytes::len).sum();
        assert!(body.size_hint().exact().is_some(), "after {left} bytes");
    }
    assert!(body.frame().await.is_none());
    assert_eq!(body.size_hint().exact(), Some(0));
    (frames, trailers)
}
