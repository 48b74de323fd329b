//! Which labels a series has, and which it never has.

use http::{Request, Response};
use metrics::Unit;
use tower::{Layer, Service, service_fn};
use tower_request_metrics::RequestMetricsLayer;

use crate::{
    recorder::Memory,
    scripted::{Script, ready, request, response, send},
};

fn ok(_: Request<()>) -> Response<Script> {
    response(200, Script::default().announcing_end())
}

#[tokio::test]
async fn server_client_and_operation_have_names_of_their_own() {
    for (layer, duration, active) in [
        (
            RequestMetricsLayer::server(),
            "http.server.request.duration",
            "http.server.active_requests",
        ),
        (
            RequestMetricsLayer::client(),
            "http.client.request.duration",
            "http.client.active_requests",
        ),
        (
            RequestMetricsLayer::operation(),
            "http.client.operation.duration",
            "http.client.active_operations",
        ),
    ] {
        let memory = Memory::default();
        send(&layer.recorder(memory.recorder()), request("GET"), ok).await;

        assert_eq!(
            memory.counts(),
            [format!(
                "{duration}{{http.request.method=GET,http.response.status_code=200}} 1"
            )]
        );
        assert_eq!(
            memory.gauges(),
            [format!("{active}{{http.request.method=GET}}")]
        );
        let units = [
            (active.to_owned(), Some(Unit::Count)),
            (duration.to_owned(), Some(Unit::Seconds)),
        ];
        assert!(memory.described().into_iter().eq(units));
    }
}

#[tokio::test]
async fn a_refusal_is_an_error_for_the_client() {
    let memory = Memory::default();
    let layer = RequestMetricsLayer::client().recorder(memory.recorder());
    for status in [399, 400] {
        send(&layer, request("GET"), move |_| {
            response(status, Script::default().announcing_end())
        })
        .await;
    }
    assert_eq!(
        memory.counts(),
        [
            "http.client.request.duration{error.type=400,http.request.method=GET,http.response.status_code=400} 1",
            "http.client.request.duration{http.request.method=GET,http.response.status_code=399} 1",
        ]
    );
}

#[tokio::test]
async fn a_template_labels_the_client() {
    #[derive(Clone)]
    struct Template(&'static str);

    let memory = Memory::default();
    let layer = RequestMetricsLayer::operation()
        .recorder(memory.recorder())
        .route(|request: &Request<()>| request.extensions().get::<Template>().map(|t| t.0));

    let mut named = request("GET");
    named.extensions_mut().insert(Template("/runs/{id}"));
    send(&layer, named, ok).await;
    send(&layer, request("GET"), ok).await;

    assert_eq!(
        memory.counts(),
        [
            "http.client.operation.duration{http.request.method=GET,http.response.status_code=200,url.template=/runs/{id}} 1",
            "http.client.operation.duration{http.request.method=GET,http.response.status_code=200} 1",
        ]
    );
}

#[tokio::test]
async fn a_path_is_no_label() {
    let memory = Memory::default();
    let layer = RequestMetricsLayer::server().recorder(memory.recorder());
    let mut hostile = request("GET");
    *hostile.uri_mut() = "https://evil.example/wp-login.php?secret=1"
        .parse()
        .unwrap();
    send(&layer, hostile, ok).await;
    assert_eq!(
        memory.counts(),
        ["http.server.request.duration{http.request.method=GET,http.response.status_code=200} 1"]
    );
}

#[tokio::test]
async fn constant_labels_are_on_every_series_and_never_twice() {
    let memory = Memory::default();
    let layer = RequestMetricsLayer::server()
        .recorder(memory.recorder())
        .label("url.scheme", "http")
        .label("url.scheme", "https")
        .label("error.type", "none")
        // Prometheus would spell these like the layer's own.
        .label("http_route", "/")
        .label("http-request-method", "GET");
    send(&layer, request("GET"), ok).await;
    assert_eq!(
        memory.counts(),
        [
            "http.server.request.duration{http.request.method=GET,http.response.status_code=200,url.scheme=https} 1"
        ]
    );
    assert_eq!(
        memory.gauges(),
        ["http.server.active_requests{http.request.method=GET,url.scheme=https}"]
    );
}

#[tokio::test]
async fn unknown_methods_share_one_value() {
    let memory = Memory::default();
    let layer = RequestMetricsLayer::server().recorder(memory.recorder());
    for method in ["BREW", "get", "GETGET", "_OTHER"] {
        send(&layer, request(method), ok).await;
    }
    assert_eq!(
        memory.counts(),
        [
            "http.server.request.duration{http.request.method=_OTHER,http.response.status_code=200} 4"
        ]
    );
    assert_eq!(
        memory.gauges(),
        ["http.server.active_requests{http.request.method=_OTHER}"]
    );
}

#[tokio::test]
async fn the_inner_service_keeps_its_error_type() {
    let layer = RequestMetricsLayer::server().recorder(Memory::default().recorder());
    let mut service = layer.layer(service_fn(|_: Request<()>| async {
        Err::<Response<Script>, u8>(7)
    }));
    let answer = ready(&mut service).await.call(request("GET")).await;
    assert_eq!(answer.err(), Some(7));
}
