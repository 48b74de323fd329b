//! What a layer measures only when it is asked to, and what it leaves out.

use std::time::Duration;

use http::{Request, Response};
use http_body_util::BodyExt;
use tokio::time::{advance, sleep};
use tower::{Layer, Service, service_fn};
use tower_request_metrics::{RequestMetricsLayer, RouteSlot};

use crate::{
    recorder::Memory,
    scripted::{Act, Script, answering, ready, request, response, send},
};

#[tokio::test(start_paused = true)]
async fn the_head_is_timed_beside_the_whole() {
    let memory = Memory::default();
    let layer = RequestMetricsLayer::server()
        .recorder(memory.recorder())
        .head_duration();
    let mut service = layer.layer(service_fn(|_: Request<()>| async {
        sleep(Duration::from_millis(250)).await;
        Ok::<_, &str>(response(200, Script::new([Act::Data("a")])))
    }));

    let response = ready(&mut service).await.call(request("GET")).await;
    advance(Duration::from_secs(60)).await;
    response.unwrap().into_body().collect().await.unwrap();

    assert_eq!(memory.values("http.server.request.duration"), [60.25]);
    assert_eq!(memory.values("http.server.response.head.duration"), [0.25]);
}

#[tokio::test]
async fn a_request_without_an_answer_has_no_head_and_no_size() {
    let memory = Memory::default();
    let layer = RequestMetricsLayer::client()
        .recorder(memory.recorder())
        .head_duration()
        .response_size();
    let mut service = layer.layer(service_fn(|_: Request<()>| async {
        Err::<Response<Script>, _>("refused")
    }));
    let _ = ready(&mut service).await.call(request("GET")).await;
    assert_eq!(memory.values("http.client.request.duration").len(), 1);
    assert!(
        memory
            .values("http.client.response.head.duration")
            .is_empty()
    );
    assert!(memory.values("http.client.response.body.size").is_empty());
}

#[tokio::test]
async fn a_size_is_what_was_read_not_what_was_announced() {
    for (frames, expected) in [(0, 0.0), (1, 3.0), (2, 5.0)] {
        let memory = Memory::default();
        let layer = RequestMetricsLayer::server()
            .recorder(memory.recorder())
            .response_size();
        let mut service = layer.layer(answering(|_| {
            let body = Script::new([Act::Data("abc"), Act::Data("de")]);
            let mut response = response(200, body.of_length(5));
            response.headers_mut().insert("content-length", 5.into());
            response
        }));
        let response = ready(&mut service).await.call(request("GET")).await;
        let mut body = Box::pin(response.unwrap().into_body());
        for _ in 0..frames {
            assert!(body.frame().await.is_some());
        }
        drop(body);
        assert_eq!(memory.values("http.server.response.body.size"), [expected]);
    }
}

#[tokio::test]
async fn a_skipped_request_leaves_no_trace() {
    let memory = Memory::default();
    let layer = RequestMetricsLayer::server()
        .recorder(memory.recorder())
        .route_slot()
        .skip(|request: &Request<()>| request.uri().path() == "/health");
    let ok = |request: Request<()>| {
        let is_probe = request.uri().path() == "/health";
        assert_eq!(request.extensions().get::<RouteSlot>().is_none(), is_probe);
        response(200, Script::new([Act::Data("a")]))
    };
    let mut probe = request("GET");
    *probe.uri_mut() = "/health".parse().unwrap();

    send(&layer, probe, ok).await;
    assert_eq!(memory.handles(), 0);

    send(&layer, request("GET"), ok).await;
    assert_eq!(memory.seconds().len(), 1);
}
