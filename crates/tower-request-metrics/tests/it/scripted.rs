//! Bodies and services that do as they are told.

use std::{
    collections::VecDeque,
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_request_metrics::{Classify, RequestMetrics, RequestMetricsLayer, RouteLabel, Skip};

/// What a [`Script`] does when it is polled.
#[derive(Debug)]
pub(crate) enum Act {
    Data(&'static str),
    Trailers,
    GrpcStatus(&'static str),
    Fail,
    Panic,
    Wait,
}

/// A body that plays its acts, then ends. It says that it is at its end only when it was made to.
#[derive(Debug, Default)]
pub(crate) struct Script {
    acts: VecDeque<Act>,
    announces_end: bool,
    hint: SizeHint,
}

impl Script {
    pub(crate) fn new(acts: impl IntoIterator<Item = Act>) -> Self {
        Self {
            acts: acts.into_iter().collect(),
            ..Self::default()
        }
    }

    /// Says at the last act that nothing follows.
    pub(crate) fn announcing_end(self) -> Self {
        Self {
            announces_end: true,
            ..self
        }
    }

    pub(crate) fn of_length(self, length: u64) -> Self {
        Self {
            hint: SizeHint::with_exact(length),
            ..self
        }
    }
}

impl Body for Script {
    type Data = Bytes;
    type Error = &'static str;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match self.acts.pop_front() {
            Some(Act::Data(data)) => Poll::Ready(Some(Ok(Frame::data(data.into())))),
            Some(Act::Trailers) => Poll::Ready(Some(Ok(Frame::trailers(HeaderMap::new())))),
            Some(Act::GrpcStatus(status)) => {
                let trailers = [("grpc-status", status)];
                let trailers =
                    trailers.map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
                Poll::Ready(Some(Ok(Frame::trailers(HeaderMap::from_iter(trailers)))))
            }
            Some(Act::Fail) => Poll::Ready(Some(Err("reset"))),
            Some(Act::Panic) => panic!("the body panics"),
            Some(Act::Wait) => Poll::Pending,
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.announces_end && self.acts.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        self.hint
    }
}

pub(crate) fn request(method: &str) -> Request<()> {
    Request::builder().method(method).body(()).unwrap()
}

pub(crate) fn response(status: u16, body: Script) -> Response<Script> {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    response
}

/// A service that always answers so.
pub(crate) fn answering<F>(
    respond: F,
) -> impl Service<Request<()>, Response = Response<Script>, Error = Infallible, Future: Send + 'static>
+ Clone
where
    F: Fn(Request<()>) -> Response<Script> + Clone + Send + 'static,
{
    service_fn(move |request| {
        let response = respond(request);
        async move { Ok(response) }
    })
}

/// Sends one request through the layer and drops what comes back.
pub(crate) async fn send<R, C, K>(
    layer: &RequestMetricsLayer<R, C, K>,
    request: Request<()>,
    respond: impl Fn(Request<()>) -> Response<Script> + Clone + Send + 'static,
) where
    R: RouteLabel<()> + Clone,
    C: Classify<Infallible> + Clone,
    K: Skip<()> + Clone,
{
    let mut service = layer.layer(answering(respond));
    let _ = ready(&mut service).await.call(request).await;
}

/// Drives the service to readiness.
pub(crate) async fn ready<S, R, C, K>(
    service: &mut RequestMetrics<S, R, C, K>,
) -> &mut RequestMetrics<S, R, C, K>
where
    RequestMetrics<S, R, C, K>: Service<Request<()>, Error: std::fmt::Debug>,
{
    ServiceExt::<Request<()>>::ready(service).await.unwrap()
}
