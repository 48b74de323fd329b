//! Calls that end with the body of their response.

use std::{
    collections::VecDeque,
    future::{Ready, ready},
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    pin::{Pin, pin},
    task::{Context, Poll},
    time::Duration,
};

use http::Response;
use http_body::{Body, Frame};
use tokio::time::advance;
use tokio_test::{assert_pending, assert_ready, task};
use tower::{Layer, Service, ServiceExt, service_fn, util::ServiceFn};
use tower_circuit_breaker::{
    BodyAware, CircuitBreakerLayer, Handle, HttpStatus, ResponseBody, State, Trip, Window,
};

use crate::scripted::{calls, touchy};

#[derive(Clone, Copy, Debug)]
enum Part {
    Data,
    Broken,
    Panic,
    Never,
}

/// Frames as told; knows its end if there is none left.
#[derive(Debug)]
struct Script(VecDeque<Part>);

impl Body for Script {
    type Data = &'static [u8];
    type Error = &'static str;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        match self.0.pop_front() {
            Some(Part::Data) => Poll::Ready(Some(Ok(Frame::data(b"half")))),
            Some(Part::Broken) => Poll::Ready(Some(Err("reset by peer"))),
            Some(Part::Panic) => resume_unwind(Box::new("told to panic")),
            Some(Part::Never) => Poll::Pending,
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }
}

type Answer = Result<Response<Script>, ()>;
type Inner = ServiceFn<fn(Answer) -> Ready<Answer>>;
type Seen = Response<ResponseBody<Script, HttpStatus>>;

struct Client {
    service: BodyAware<Inner, HttpStatus>,
    circuit: Handle,
}

impl Client {
    fn new(layer: CircuitBreakerLayer) -> Self {
        let layer = layer.classify(HttpStatus).until_body_end();
        Self {
            circuit: layer.handle(),
            service: layer.layer(service_fn(ready as fn(Answer) -> Ready<Answer>)),
        }
    }

    async fn get(&mut self, status: u16, parts: &[Part]) -> Seen {
        let mut response = Response::new(Script(parts.iter().copied().collect()));
        *response.status_mut() = status.try_into().expect("a status");
        let service = self.service.ready().await.expect("ready");
        service.call(Ok(response)).await.expect("not refused")
    }

    async fn due(&self) {
        advance(self.circuit.retry_after().expect("open")).await;
    }
}

fn next(body: &mut ResponseBody<Script, HttpStatus>) -> Poll<bool> {
    let mut task = task::spawn(());
    task.enter(|cx, _| pin!(body).poll_frame(cx))
        .map(|frame| matches!(frame, Some(Ok(_))))
}

#[tokio::test(start_paused = true)]
async fn a_success_whose_body_breaks_is_a_failure() {
    let mut client = Client::new(touchy());
    let mut body = client
        .get(200, &[Part::Data, Part::Broken])
        .await
        .into_body();
    assert!(assert_ready!(next(&mut body)));
    assert_eq!(client.circuit.state(), State::Closed);
    assert!(!assert_ready!(next(&mut body)));
    assert_eq!(client.circuit.state(), State::Open);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_panics_is_a_failure() {
    let mut client = Client::new(touchy());
    let mut body = client.get(200, &[Part::Panic]).await.into_body();
    assert!(catch_unwind(AssertUnwindSafe(|| next(&mut body))).is_err());
    assert_eq!(client.circuit.state(), State::Open);
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_one_with_its_head() {
    let mut client = Client::new(touchy());
    let _unread = client.get(503, &[Part::Never]).await;
    assert_eq!(client.circuit.state(), State::Open);
    client.due().await;
    let ready = client.service.ready().await.expect("ready");
    assert!(ready.call(Err(())).await.is_err());
    assert_eq!(client.circuit.opened(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_probe_passes_when_its_body_ends_however_its_reader_learns_of_it() {
    for parts in [&[][..], &[Part::Data], &[Part::Data, Part::Data]] {
        let mut client = Client::new(touchy().probes(calls(1)));
        drop(client.get(500, &[]).await);
        client.due().await;
        let mut body = client.get(200, parts).await.into_body();
        for _ in parts {
            assert_eq!(client.circuit.state(), State::HalfOpen);
            assert!(assert_ready!(next(&mut body)));
        }
        assert_eq!(client.circuit.state(), State::Closed);
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_dropped_is_judged_by_its_head() {
    let mut client = Client::new(touchy().probes(calls(1)));
    drop(client.get(500, &[]).await);
    client.due().await;
    let mut body = client
        .get(200, &[Part::Data, Part::Never, Part::Broken])
        .await
        .into_body();
    assert!(assert_ready!(next(&mut body)));
    assert_pending!(next(&mut body));
    assert_eq!(client.circuit.state(), State::HalfOpen);
    drop(body);
    assert_eq!(client.circuit.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn slowness_is_measured_to_the_end_of_the_body() {
    let limit = Duration::from_secs(1);
    let trip = Trip::slow_rate(limit, 1.0, Window::Calls(calls(1))).expect("a rate");
    let mut client = Client::new(CircuitBreakerLayer::new().trip(trip));
    let mut body = client.get(200, &[Part::Data]).await.into_body();
    advance(limit).await;
    assert!(assert_ready!(next(&mut body)));
    assert_eq!(client.circuit.state(), State::Open);
}

#[tokio::test(start_paused = true)]
async fn the_servers_hint_lengthens_the_open_time_up_to_the_cap() {
    for (status, hint, at_least, at_most) in [
        (503, "40", 40, 44),
        (429, "40", 40, 44),
        (503, "100000", 120, 120),
        (503, "0", 2, 5),
        (500, "40", 2, 5),
    ] {
        let layer = CircuitBreakerLayer::new()
            .trip(Trip::failure_rate(1.0, Window::Calls(calls(1))).expect("a rate"))
            .classify(HttpStatus);
        let circuit = layer.handle();
        let mut service = layer.layer(service_fn(async |response: Response<()>| {
            Ok::<_, ()>(response)
        }));
        let response = Response::builder()
            .status(status)
            .header("retry-after", hint);
        let response = response.body(()).expect("a response");
        service.ready().await.unwrap().call(response).await.unwrap();
        let wait = circuit.retry_after().expect("open").as_secs();
        assert!(
            (at_least..=at_most).contains(&wait),
            "{status} {hint}: {wait}"
        );
    }
}
