//! Every way a request can end: recorded once, with the right labels, and no longer in flight.

use std::{
    future::{pending, poll_fn},
    panic::AssertUnwindSafe,
    pin::pin,
    task::Poll,
    time::Duration,
};

use http::{Request, Response};
use http_body_util::BodyExt;
use tokio::time::advance;
use tokio_test::{assert_pending, assert_ready, task};
use tower::{Layer, Service, service_fn};
use tower_request_metrics::{RequestMetricsLayer, RouteSlot};

use crate::{
    recorder::Memory,
    scripted::{Act, Script, answering, ready, request, response, send},
};

/// A layer for a server, and what it recorded.
fn server() -> (RequestMetricsLayer, Memory) {
    let memory = Memory::default();
    let layer = RequestMetricsLayer::server().recorder(memory.recorder());
    (layer, memory)
}

#[track_caller]
fn assert_recorded(memory: &Memory, labels: &str) {
    let series = format!("http.server.request.duration{{{labels}}} 1");
    assert_eq!(memory.counts(), [series]);
    assert_eq!(memory.in_flight(), 0.0);
}

/// Sends `request`, reads `body` to whatever end it has, and drops it.
async fn exchange(method: &str, status: u16, body: fn() -> Script) -> Memory {
    let (layer, memory) = server();
    let mut service = layer.layer(answering(move |_| response(status, body())));
    let response = ready(&mut service).await.call(request(method)).await;
    let mut body = pin!(response.unwrap().into_body());
    while let Some(Ok(_)) = body.frame().await {}
    memory
}

#[tokio::test]
async fn an_answer_that_is_read_to_its_end() {
    let memory = exchange("GET", 200, || Script::new([Act::Data("a"), Act::Data("b")])).await;
    assert_recorded(
        &memory,
        "http.request.method=GET,http.response.status_code=200",
    );
}

#[tokio::test]
async fn a_refusal_is_no_error_of_the_server() {
    let memory = exchange("GET", 404, || Script::new([Act::Data("a")])).await;
    assert_recorded(
        &memory,
        "http.request.method=GET,http.response.status_code=404",
    );
}

#[tokio::test]
async fn a_failure_of_the_server_is_its_status() {
    let memory = exchange("GET", 500, || Script::new([Act::Data("a")])).await;
    assert_recorded(
        &memory,
        "error.type=500,http.request.method=GET,http.response.status_code=500",
    );
}

#[tokio::test]
async fn a_body_that_fails() {
    let memory = exchange("GET", 200, || Script::new([Act::Data("a"), Act::Fail])).await;
    assert_recorded(
        &memory,
        "error.type=body_error,http.request.method=GET,http.response.status_code=200",
    );
}

#[tokio::test]
async fn an_error_status_outlives_the_failure_of_its_body() {
    let memory = exchange("GET", 503, || Script::new([Act::Fail])).await;
    assert_recorded(
        &memory,
        "error.type=503,http.request.method=GET,http.response.status_code=503",
    );
}

#[tokio::test]
async fn an_error_of_the_service() {
    let (layer, memory) = server();
    let layer = layer.classify(|error: &&str| match *error {
        "connection refused" => "connect",
        _ => "other",
    });
    let mut service = layer.layer(service_fn(|_: Request<()>| async {
        Err::<Response<Script>, _>("connection refused")
    }));

    let error = ready(&mut service).await.call(request("GET")).await;

    assert_eq!(error.err(), Some("connection refused"));
    assert_recorded(&memory, "error.type=connect,http.request.method=GET");
}

#[tokio::test]
async fn an_error_nobody_named() {
    let (layer, memory) = server();
    let mut service = layer.layer(service_fn(|_: Request<()>| async {
        Err::<Response<Script>, _>("refused")
    }));

    let _ = ready(&mut service).await.call(request("GET")).await;

    assert_recorded(&memory, "error.type=_OTHER,http.request.method=GET");
}

#[tokio::test]
async fn a_future_dropped_before_its_first_poll() {
    let (layer, memory) = server();
    let mut service = layer.layer(answering(|_| response(200, Script::default())));

    let future = ready(&mut service).await.call(request("GET"));
    assert_eq!(memory.in_flight(), 1.0);
    assert_eq!(memory.counts(), Vec::<String>::new());
    drop(future);

    assert_recorded(&memory, "error.type=cancelled,http.request.method=GET");
}

#[tokio::test]
async fn a_future_dropped_while_it_waits() {
    let (layer, memory) = server();
    let mut service = layer.layer(service_fn(|_: Request<()>| {
        pending::<Result<Response<Script>, &str>>()
    }));

    let mut future = task::spawn(ready(&mut service).await.call(request("GET")));
    assert_pending!(future.poll());
    assert_eq!(memory.in_flight(), 1.0);
    drop(future);

    assert_recorded(&memory, "error.type=cancelled,http.request.method=GET");
}

#[tokio::test]
async fn a_future_that_is_kept_after_its_answer_holds_nothing() {
    let (layer, memory) = server();
    let mut service = layer.layer(answering(|_| response(204, Script::default())));

    let mut future = task::spawn(ready(&mut service).await.call(request("GET")));
    let _response = assert_ready!(future.poll());

    assert_recorded(
        &memory,
        "http.request.method=GET,http.response.status_code=204",
    );
}

#[tokio::test]
async fn a_body_dropped_while_it_waits() {
    let (layer, memory) = server();
    let mut service = layer.layer(answering(|_| {
        response(200, Script::new([Act::Data("a"), Act::Wait]))
    }));

    let response = ready(&mut service).await.call(request("GET")).await;
    let mut body = Box::pin(response.unwrap().into_body());
    assert!(body.frame().await.is_some());
    assert_pending!(task::spawn(body.frame()).poll());
    assert_eq!(memory.in_flight(), 1.0);
    drop(body);

    assert_recorded(
        &memory,
        "error.type=cancelled,http.request.method=GET,http.response.status_code=200",
    );
}

#[tokio::test]
async fn an_error_status_outlives_the_drop_of_its_body() {
    let (layer, memory) = server();
    send(&layer, request("GET"), |_| {
        response(503, Script::new([Act::Data("a")]))
    })
    .await;
    assert_recorded(
        &memory,
        "error.type=503,http.request.method=GET,http.response.status_code=503",
    );
}

/// A server that knows the length writes that many bytes and drops the body.
#[tokio::test]
async fn a_body_dropped_after_the_last_announced_byte_is_complete() {
    let by_header = |body| {
        let mut response = response(200, body);
        response.headers_mut().insert("content-length", 2.into());
        response
    };
    let by_hint = |body: Script| response(200, body.of_length(2));
    let answers: [fn(Script) -> Response<Script>; 2] = [by_header, by_hint];
    for answer in answers {
        for (frames, labels) in [
            (2, "http.request.method=GET,http.response.status_code=200"),
            (
                1,
                "error.type=cancelled,http.request.method=GET,http.response.status_code=200",
            ),
        ] {
            let (layer, memory) = server();
            let mut service = layer.layer(answering(move |_| {
                answer(Script::new([Act::Data("a"), Act::Data("b")]))
            }));
            let response = ready(&mut service).await.call(request("GET")).await;
            let mut body = Box::pin(response.unwrap().into_body());
            for _ in 0..frames {
                assert!(body.frame().await.is_some());
            }
            drop(body);
            assert_recorded(&memory, labels);
        }
    }
}

#[tokio::test]
async fn the_last_frame_is_the_end_for_a_body_that_says_so() {
    let (layer, memory) = server();
    let mut service = layer.layer(answering(|_| {
        response(200, Script::new([Act::Data("a")]).announcing_end())
    }));

    let response = ready(&mut service).await.call(request("GET")).await;
    let mut body = pin!(response.unwrap().into_body());
    assert_eq!(memory.in_flight(), 1.0);
    assert!(body.frame().await.is_some());

    assert_recorded(
        &memory,
        "http.request.method=GET,http.response.status_code=200",
    );
}

#[tokio::test]
async fn trailers_are_the_end() {
    let (layer, memory) = server();
    let mut service = layer.layer(answering(|_| {
        response(200, Script::new([Act::Data("a"), Act::Trailers]))
    }));

    let response = ready(&mut service).await.call(request("GET")).await;
    let mut body = pin!(response.unwrap().into_body());
    assert!(body.frame().await.is_some());
    assert_eq!(memory.in_flight(), 1.0);
    assert!(body.frame().await.is_some());

    assert_recorded(
        &memory,
        "http.request.method=GET,http.response.status_code=200",
    );
}

#[tokio::test]
async fn an_exchange_without_a_body_ends_at_its_head() {
    for (method, status) in [
        ("HEAD", 200),
        ("GET", 101),
        ("GET", 204),
        ("GET", 304),
        ("CONNECT", 200),
    ] {
        let (layer, memory) = server();
        let mut service = layer.layer(answering(move |_| {
            response(status, Script::new([Act::Data("never polled")]))
        }));
        let response = ready(&mut service).await.call(request(method)).await;
        assert_recorded(
            &memory,
            &format!("http.request.method={method},http.response.status_code={status}"),
        );
        drop(response);
        assert_eq!(memory.seconds().len(), 1);
    }
}

#[tokio::test]
async fn an_empty_body_needs_no_poll() {
    let (layer, memory) = server();
    let mut service = layer.layer(answering(|_| {
        response(200, Script::default().announcing_end())
    }));

    let _response = ready(&mut service).await.call(request("GET")).await;

    assert_recorded(
        &memory,
        "http.request.method=GET,http.response.status_code=200",
    );
}

#[tokio::test]
async fn a_panic_in_call() {
    let (layer, memory) = server();
    let mut service = layer.layer(answering(|_| panic!("the service panics")));

    let service = ready(&mut service).await;
    caught(|| drop(service.call(request("GET"))));

    assert_recorded(&memory, "error.type=panic,http.request.method=GET");
}

#[tokio::test]
async fn a_panic_in_the_route_closure() {
    let (layer, memory) = server();
    let layer = layer.route(|_: &Request<()>| -> Option<&'static str> { panic!("no route") });
    let mut service = layer.layer(answering(|_| response(200, Script::default())));

    let service = ready(&mut service).await;
    caught(|| drop(service.call(request("GET"))));

    assert_recorded(&memory, "error.type=panic,http.request.method=GET");
}

/// A panic guard keeps the future and drops it later, when nothing unwinds any more.
fn caught<T>(poll: impl FnOnce() -> T) {
    assert!(std::panic::catch_unwind(AssertUnwindSafe(poll)).is_err());
}

#[tokio::test]
async fn a_panic_in_poll() {
    let (layer, memory) = server();
    let mut service = layer.layer(service_fn(|_: Request<()>| {
        poll_fn(|_| -> Poll<Result<Response<Script>, &str>> { panic!("the service panics") })
    }));

    let mut future = task::spawn(ready(&mut service).await.call(request("GET")));
    caught(|| future.poll().is_ready());

    assert_recorded(&memory, "error.type=panic,http.request.method=GET");
    drop(future);
    assert_eq!(memory.seconds().len(), 1);
}

#[tokio::test]
async fn a_panic_in_the_body() {
    let (layer, memory) = server();
    let mut service = layer.layer(answering(|_| {
        response(200, Script::new([Act::Data("a"), Act::Panic]))
    }));

    let response = ready(&mut service).await.call(request("GET")).await;
    let mut body = response.unwrap().into_body();
    assert!(body.frame().await.is_some());
    caught(|| task::spawn(body.frame()).poll().is_ready());

    assert_recorded(
        &memory,
        "error.type=panic,http.request.method=GET,http.response.status_code=200",
    );
}

#[tokio::test(start_paused = true)]
async fn the_duration_runs_from_the_call_to_the_end_of_the_body() {
    let (layer, memory) = server();
    let mut service = layer.layer(service_fn(|_: Request<()>| async {
        tokio::time::sleep(Duration::from_millis(250)).await;
        Ok::<_, &str>(response(200, Script::new([Act::Data("a")])))
    }));

    let service = ready(&mut service).await;
    advance(Duration::from_secs(7)).await;
    let response = service.call(request("GET")).await;
    advance(Duration::from_millis(500)).await;
    response.unwrap().into_body().collect().await.unwrap();
    advance(Duration::from_secs(7)).await;

    assert_eq!(memory.seconds(), [0.75]);
}

#[tokio::test]
async fn a_route_survives_the_request_that_timed_out_behind_it() {
    let (layer, memory) = server();
    let mut service = layer
        .route_slot()
        .layer(service_fn(|request: Request<()>| async move {
            request
                .extensions()
                .get::<RouteSlot>()
                .unwrap()
                .set("/slow");
            pending::<Result<Response<Script>, &str>>().await
        }));

    let mut future = task::spawn(ready(&mut service).await.call(request("GET")));
    assert_pending!(future.poll());
    drop(future);

    assert_recorded(
        &memory,
        "error.type=cancelled,http.request.method=GET,http.route=/slow",
    );
}
