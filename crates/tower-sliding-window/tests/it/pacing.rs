use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
    time::Duration,
};

use http::{Request, Response};
use tokio::time::{Instant, advance};
use tokio_test::{assert_pending, assert_ready, task::spawn};
use tower::{Layer, Service, ServiceExt, limit::ConcurrencyLimit, service_fn};
use tower_conformance::{Probe, Subject, check};
use tower_sliding_window::{PacingError, ServerPacing, ServerPacingLayer};

const SECOND: Duration = Duration::from_secs(1);

/// A status, and a field with its value.
type Answer = (u16, &'static str, &'static str);

/// Answers with the status and the field it was last told, and notes when it was asked.
#[derive(Clone, Default)]
struct Server {
    answer: Arc<Mutex<Option<Answer>>>,
    asked: Arc<Mutex<Vec<Instant>>>,
}

impl Server {
    fn says(&self, status: u16, field: &'static str, value: &'static str) {
        *self.answer.lock().unwrap() = Some((status, field, value));
    }

    fn service(
        &self,
    ) -> impl Service<Request<()>, Response = Response<()>, Error = Infallible, Future: Send> + Clone
    {
        let server = self.clone();
        service_fn(move |_: Request<()>| {
            server.asked.lock().unwrap().push(Instant::now());
            let mut response = Response::builder();
            if let Some((status, field, value)) = *server.answer.lock().unwrap() {
                response = response.status(status).header(field, value);
            }
            std::future::ready(Ok(response.body(()).unwrap()))
        })
    }
}

async fn call<S: Service<Request<()>>>(service: &mut S) -> Result<S::Response, S::Error> {
    service.ready().await?.call(Request::new(())).await
}

#[tokio::test(start_paused = true)]
async fn calls_wait_for_as_long_as_the_server_asks() {
    let server = Server::default();
    let mut client = ServerPacingLayer::new(60 * SECOND).layer(server.service());
    let start = Instant::now();
    call(&mut client).await.unwrap();
    call(&mut client).await.unwrap();
    assert_eq!(start.elapsed(), Duration::ZERO);

    server.says(429, "retry-after", "7");
    call(&mut client).await.unwrap();
    server.says(200, "x-unrelated", "1");
    let mut clone = client.clone();
    call(&mut clone).await.unwrap();
    assert_eq!(start.elapsed(), 7 * SECOND);
    call(&mut client).await.unwrap();
    assert_eq!(start.elapsed(), 7 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn as_many_start_as_remain_and_the_rest_wait() {
    let server = Server::default();
    let client = ServerPacingLayer::new(60 * SECOND).layer(server.service());
    server.says(200, "ratelimit", r#""burst";r=2;t=5"#);
    call(&mut client.clone()).await.unwrap();
    // A response on its way says nothing new.
    server.says(200, "x-unrelated", "1");
    let start = Instant::now();
    for waited in [0, 0, 5, 5] {
        call(&mut client.clone()).await.unwrap();
        assert_eq!(start.elapsed(), waited * SECOND);
    }
}

#[tokio::test(start_paused = true)]
async fn calls_under_way_count_against_what_remains() {
    let server = Server::default();
    let slow = server.service();
    let inner = service_fn(move |request: Request<()>| {
        let mut service = slow.clone();
        async move {
            let response = service.call(request).await;
            tokio::time::sleep(SECOND).await;
            response
        }
    });
    let client = ServerPacingLayer::new(60 * SECOND).layer(inner);
    server.says(200, "ratelimit", r#""burst";r=2;t=5"#);
    let mut first = spawn(client.clone().oneshot(Request::new(())));
    assert_pending!(first.poll());
    advance(SECOND / 2).await;
    let mut second = spawn(client.clone().oneshot(Request::new(())));
    assert_pending!(second.poll());
    advance(SECOND / 2).await;
    assert_ready!(first.poll()).unwrap();
    // Two remain, and one of them is the second's.
    let mut third = spawn(client.clone().oneshot(Request::new(())));
    let mut fourth = spawn(client.clone().oneshot(Request::new(())));
    assert_pending!(third.poll());
    assert_pending!(fourth.poll());
    assert_eq!(server.asked.lock().unwrap().len(), 3);
    drop((second, third));
    assert_pending!(fourth.poll());
}

#[tokio::test(start_paused = true)]
async fn who_would_wait_too_long_fails_at_once() {
    let server = Server::default();
    let mut client = ServerPacingLayer::new(5 * SECOND).layer(server.service());
    server.says(503, "retry-after", "6");
    call(&mut client).await.unwrap();
    let start = Instant::now();
    let held = call(&mut client).await.unwrap_err();
    assert_eq!(
        held,
        PacingError::Held {
            retry_after: 6 * SECOND
        }
    );
    assert_eq!(held.to_string(), "the server wants no requests for 6s");
    assert_eq!(start.elapsed(), Duration::ZERO);
    advance(SECOND).await;
    call(&mut client).await.unwrap();
    assert_eq!(start.elapsed(), 6 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn who_waits_holds_nothing_of_the_inner_service() {
    let server = Server::default();
    let mut inner = ConcurrencyLimit::new(server.service(), 1);
    let client = ServerPacingLayer::new(60 * SECOND).layer(inner.clone());
    server.says(429, "retry-after", "7");
    call(&mut client.clone()).await.unwrap();
    let mut waiting = spawn(client.clone().oneshot(Request::new(())));
    assert_pending!(waiting.poll());
    call(&mut inner).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn who_gives_up_before_he_reached_the_server_leaves_his_place() {
    let server = Server::default();
    let inner = ConcurrencyLimit::new(server.service(), 1);
    let client = ServerPacingLayer::new(60 * SECOND).layer(inner.clone());
    server.says(200, "ratelimit", r#""burst";r=1;t=5"#);
    call(&mut client.clone()).await.unwrap();
    let mut busy = inner.clone();
    busy.ready().await.unwrap();
    let mut waiting = spawn(client.clone().oneshot(Request::new(())));
    assert_pending!(waiting.poll());
    drop((waiting, busy));
    let start = Instant::now();
    call(&mut client.clone()).await.unwrap();
    assert_eq!(start.elapsed(), Duration::ZERO);
}

struct Paced;

impl Subject for Paced {
    type Request = Request<u32>;
    type Response = Response<u32>;
    type Service = ServerPacing<Probe<Response<u32>>>;

    fn service(&self, inner: Probe<Response<u32>>) -> Self::Service {
        ServerPacingLayer::new(SECOND).layer(inner)
    }

    fn request(&self) -> Request<u32> {
        Request::new(1)
    }

    fn response() -> Response<u32> {
        Response::new(2)
    }
}

#[tokio::test(start_paused = true)]
async fn a_paced_client_keeps_the_laws() {
    check(&Paced).await.unwrap();
}
