//! How many series there are, and whose recorder they belong to.

use std::time::Duration;

use http::{Request, Response};
use tokio::time::advance;
use tower::Layer;
use tower_request_metrics::RequestMetricsLayer;

use crate::{
    recorder::Memory,
    scripted::{Script, answering, request, response, send},
};

fn ok(_: Request<()>) -> Response<Script> {
    response(200, Script::default().announcing_end())
}

#[tokio::test]
async fn ten_thousand_routes_stay_under_the_limit_with_exact_totals() {
    let memory = Memory::default();
    let layer = RequestMetricsLayer::server()
        .recorder(memory.recorder())
        .label("service", "api")
        // What the documentation forbids.
        .route(|request: &Request<()>| Some(request.uri().path().to_owned()));
    for round in 0..2 {
        for path in 0..10_000 {
            let mut request = request("GET");
            *request.uri_mut() = format!("/{path}").parse().unwrap();
            send(&layer, request, ok).await;
        }
        let counts = memory.counts();
        assert_eq!(counts.len(), 2_001);
        assert_eq!(memory.seconds().len(), 10_000 * (round + 1));
        let overflow = format!(
            "http.server.request.duration{{otel.metric.overflow=true,service=api}} {}",
            8_000 * (round + 1)
        );
        assert!(counts.contains(&overflow));
    }
    // The durations, their overflow and one gauge.
    assert_eq!(memory.handles(), 2_002);
}

#[tokio::test]
async fn a_limit_of_zero_still_counts() {
    let memory = Memory::default();
    let layer = RequestMetricsLayer::server()
        .recorder(memory.recorder())
        .max_series(0);
    send(&layer, request("GET"), ok).await;
    send(&layer, request("PUT"), ok).await;
    assert_eq!(
        memory.counts(),
        ["http.server.request.duration{otel.metric.overflow=true} 2"]
    );
}

#[tokio::test]
async fn handles_are_asked_for_once() {
    let memory = Memory::default();
    let layer = RequestMetricsLayer::server().recorder(memory.recorder());
    for _ in 0..10 {
        // Each is a service of its own.
        send(&layer.clone(), request("GET"), ok).await;
    }
    assert_eq!(memory.handles(), 2);
}

#[tokio::test]
async fn a_recorder_installed_late_gets_everything_from_then_on() {
    let memory = Memory::default();
    let layer = RequestMetricsLayer::server();

    let before = answering(ok);
    let mut service = layer.layer(before);
    let early = crate::scripted::ready(&mut service).await;
    let in_flight = tower::Service::call(early, request("PUT"));
    send(&layer, request("GET"), ok).await;

    // The only test that may do so: there is one per process.
    metrics::set_global_recorder(memory.clone()).ok().unwrap();
    send(&layer, request("GET"), ok).await;
    send(&layer, request("GET"), ok).await;
    drop(in_flight);

    assert_eq!(
        memory.counts(),
        [
            "http.server.request.duration{error.type=cancelled,http.request.method=PUT} 1",
            "http.server.request.duration{http.request.method=GET,http.response.status_code=200} 2",
        ]
    );
    // What was in flight before must not be taken off a gauge that never saw it.
    assert_eq!(memory.in_flight(), 0.0);
    assert_eq!(memory.handles(), 3);
}

#[test]
fn eight_threads_add_up() {
    let memory = Memory::default();
    let layer = RequestMetricsLayer::server().recorder(memory.recorder());
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .build()
                    .unwrap();
                runtime.block_on(async {
                    for method in ["GET", "PUT", "GET"].iter().cycle().take(300) {
                        send(&layer, request(method), ok).await;
                    }
                });
            });
        }
    });
    assert_eq!(memory.seconds().len(), 2_400);
    assert_eq!(memory.in_flight(), 0.0);
    assert_eq!(memory.handles(), 4);
}

/// An exporter that forgets idle series does so to the handles too: what they record is lost.
#[tokio::test(start_paused = true)]
async fn handles_are_renewed_after_a_rest() {
    let memory = Memory::default();
    let layer = RequestMetricsLayer::server()
        .recorder(memory.recorder())
        .max_series(1);
    for method in ["GET", "PUT"] {
        send(&layer, request(method), ok).await;
    }
    assert_eq!(memory.handles(), 4);

    for _ in 0..3 {
        advance(Duration::from_secs(9)).await;
        for method in ["GET", "PUT"] {
            send(&layer, request(method), ok).await;
        }
    }
    assert_eq!(memory.handles(), 4);

    advance(Duration::from_secs(11)).await;
    memory.forget();
    for method in ["GET", "PUT"] {
        send(&layer, request(method), ok).await;
    }
    assert_eq!(
        memory.counts(),
        [
            "http.server.request.duration{http.request.method=GET,http.response.status_code=200} 1",
            "http.server.request.duration{otel.metric.overflow=true} 1",
        ]
    );
    assert_eq!(memory.gauges().len(), 2);
    assert_eq!(memory.in_flight(), 0.0);
}

/// A long request must not pull the gauge that came after it below zero.
#[tokio::test(start_paused = true)]
async fn a_request_is_taken_off_the_gauge_it_was_added_to() {
    let memory = Memory::default();
    let layer = RequestMetricsLayer::server().recorder(memory.recorder());
    let mut service = layer.layer(answering(ok));
    let long = tower::Service::call(crate::scripted::ready(&mut service).await, request("GET"));
    advance(Duration::from_secs(60)).await;
    memory.forget();
    send(&layer, request("GET"), ok).await;
    drop(long);
    assert_eq!(memory.in_flight(), 0.0);
}
