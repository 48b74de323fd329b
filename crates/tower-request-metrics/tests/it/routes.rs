//! Routes that inner code fills in.

use http::{Request, Response};
use tower::{Layer, Service};
use tower_request_metrics::{RequestMetricsLayer, RouteSlot};

use crate::{
    recorder::Memory,
    scripted::{Script, answering, ready, request, response, send},
};

const SERVER: &str = "http.server.request.duration";

fn fill(request: &Request<()>, route: &'static str) -> Response<Script> {
    request.extensions().get::<RouteSlot>().unwrap().set(route);
    response(200, Script::default().announcing_end())
}

#[tokio::test]
async fn the_slot_goes_before_the_route_of_the_request() {
    let memory = Memory::default();
    let layer = RequestMetricsLayer::server()
        .recorder(memory.recorder())
        .route(|_: &Request<()>| Some("outer"))
        .route_slot();

    send(&layer, request("GET"), |request| fill(&request, "inner")).await;
    send(&layer, request("PUT"), |_| {
        response(200, Script::default().announcing_end())
    })
    .await;

    assert_eq!(
        memory.counts(),
        [
            format!(
                "{SERVER}{{http.request.method=GET,http.response.status_code=200,http.route=inner}} 1"
            ),
            format!(
                "{SERVER}{{http.request.method=PUT,http.response.status_code=200,http.route=outer}} 1"
            ),
        ]
    );
}

#[tokio::test]
async fn the_last_route_written_counts() {
    let memory = Memory::default();
    let layer = RequestMetricsLayer::server()
        .recorder(memory.recorder())
        .route_slot();
    send(&layer, request("GET"), |request| {
        fill(&request, "/{*rest}");
        fill(&request, "/runs/{id}")
    })
    .await;
    assert_eq!(
        memory.counts(),
        [format!(
            "{SERVER}{{http.request.method=GET,http.response.status_code=200,http.route=/runs/{{id}}}} 1"
        )]
    );
}

#[tokio::test]
async fn nested_layers_share_one_slot() {
    let outer = Memory::default();
    let inner = Memory::default();
    let layer = |memory: &Memory| {
        RequestMetricsLayer::server()
            .recorder(memory.recorder())
            .route_slot()
    };
    let service = layer(&inner).layer(answering(|request| fill(&request, "/runs")));
    let mut service = layer(&outer).layer(service);

    let _ = ready(&mut service).await.call(request("GET")).await;

    let series = format!(
        "{SERVER}{{http.request.method=GET,http.response.status_code=200,http.route=/runs}} 1"
    );
    assert_eq!(outer.counts(), [&*series]);
    assert_eq!(inner.counts(), [series]);
}

#[tokio::test]
async fn there_is_no_slot_unless_asked_for() {
    let layer = RequestMetricsLayer::server().recorder(Memory::default().recorder());
    send(&layer, request("GET"), |request| {
        assert!(request.extensions().is_empty());
        response(200, Script::default().announcing_end())
    })
    .await;
}
