//! Figures that are read in the process.

use std::{future::pending, time::Duration};

use http::{Request, Response};
use tokio::time::advance;
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_request_metrics::{RequestMetricsLayer, RouteSlot, Stats};

use crate::{
    recorder::Memory,
    scripted::{Script, ready, request, response, send},
};

fn ok(_: Request<()>) -> Response<Script> {
    response(200, Script::default().announcing_end())
}

fn measured(stats: &Stats) -> RequestMetricsLayer {
    RequestMetricsLayer::server()
        .recorder(Memory::default().recorder())
        .stats(stats)
}

/// Requests that take so long, one after the other.
async fn take(stats: &Stats, durations: impl IntoIterator<Item = Duration>) {
    let layer = measured(stats);
    let mut service = layer.layer(service_fn(|request: Request<Duration>| async move {
        // Not `sleep`, which is a matter of milliseconds.
        advance(*request.body()).await;
        Ok::<_, &str>(response(200, Script::default().announcing_end()))
    }));
    for duration in durations {
        let service = service.ready().await.unwrap();
        let _ = service.call(Request::new(duration)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_has_happened() {
    let snapshot = Stats::default().snapshot();
    assert_eq!(snapshot.total.requests, 0);
    assert_eq!(snapshot.total.latency, None);
    assert_eq!(
        snapshot.to_string(),
        "requests=0 rate=0.0/s errors=0.0% in_flight=0"
    );
}

#[tokio::test(start_paused = true)]
async fn a_minute_is_rate_errors_and_percentiles() {
    let stats = Stats::default();
    let layer = measured(&stats);
    for number in 0..100 {
        let status = if number % 4 == 0 { 500 } else { 404 };
        let mut service = layer.layer(service_fn(move |_: Request<()>| async move {
            advance(Duration::from_millis(number)).await;
            Ok::<_, &str>(response(status, Script::default().announcing_end()))
        }));
        let _ = ready(&mut service).await.call(request("GET")).await;
        advance(Duration::from_millis(200 - number)).await;
    }

    let snapshot = stats.snapshot();

    assert_eq!(snapshot.window, Duration::from_secs(20));
    assert_eq!(snapshot.total.requests, 100);
    assert_eq!(snapshot.total.errors, 25);
    assert_eq!(snapshot.total.error_rate, 0.25);
    assert_eq!(snapshot.total.per_second, 5.0);
    let latency = snapshot.total.latency.unwrap();
    assert_eq!(latency.max, Duration::from_millis(99));
    for (seen, exact) in [
        (latency.p50, 49.0),
        (latency.p95, 94.0),
        (latency.p99, 98.0),
    ] {
        assert!((seen.as_secs_f64() * 1e3 / exact - 1.0).abs() < 0.02);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_older_than_the_window_is_gone() {
    let stats = Stats::new(Duration::from_secs(6));
    take(&stats, [Duration::from_secs(1)]).await;
    advance(Duration::from_secs(5)).await;
    assert_eq!(stats.snapshot().total.requests, 1);
    advance(Duration::from_secs(1)).await;
    let snapshot = stats.snapshot();
    assert_eq!(snapshot.total.requests, 0);
    assert_eq!(snapshot.routes, []);
}

#[tokio::test]
async fn requests_in_flight_are_counted_until_they_end_in_whatever_way() {
    let stats = Stats::default();
    let mut service = measured(&stats).layer(service_fn(|_: Request<()>| {
        pending::<Result<Response<Script>, &str>>()
    }));
    let future = ready(&mut service).await.call(request("GET"));
    assert_eq!(stats.snapshot().in_flight, 1);
    assert_eq!(stats.snapshot().total.requests, 0);
    drop(future);
    let snapshot = stats.snapshot();
    assert_eq!(snapshot.in_flight, 0);
    assert_eq!((snapshot.total.requests, snapshot.total.errors), (1, 1));
}

#[tokio::test]
async fn routes_and_methods_are_told_apart_the_busiest_first() {
    let stats = Stats::default();
    let layer = measured(&stats).route_slot();
    for (method, route, times) in [("GET", "/runs", 1), ("POST", "/runs", 3), ("GET", "/me", 2)] {
        for _ in 0..times {
            send(&layer, request(method), move |request| {
                request.extensions().get::<RouteSlot>().unwrap().set(route);
                ok(request)
            })
            .await;
        }
    }
    let snapshot = stats.snapshot();
    let routes: Vec<_> = snapshot
        .routes
        .iter()
        .map(|route| {
            let figures = &route.figures;
            (route.method, route.route.as_deref(), figures.requests)
        })
        .collect();
    assert_eq!(
        routes,
        [
            ("POST", Some("/runs"), 3),
            ("GET", Some("/me"), 2),
            ("GET", Some("/runs"), 1)
        ]
    );
    assert_eq!(snapshot.total.requests, 6);
}

#[tokio::test]
async fn routes_past_the_limit_are_counted_together() {
    let stats = Stats::default().max_routes(2);
    let layer =
        measured(&stats).route(|request: &Request<()>| Some(request.uri().path().to_owned()));
    for round in 1..=2 {
        for path in 0..5 {
            let mut request = request("GET");
            *request.uri_mut() = format!("/{path}").parse().unwrap();
            send(&layer, request, ok).await;
        }
        let snapshot = stats.snapshot();
        assert_eq!(snapshot.routes.len(), 2);
        assert_eq!(snapshot.other.unwrap().requests, 3 * round);
        assert_eq!(snapshot.total.requests, 5 * round);
    }
}

#[tokio::test]
async fn eight_threads_add_up() {
    let stats = Stats::default();
    let layer = measured(&stats);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().build();
                runtime.unwrap().block_on(async {
                    for method in ["GET", "PUT", "GET"].iter().cycle().take(3_000) {
                        send(&layer, request(method), ok).await;
                    }
                });
            });
        }
    });
    let snapshot = stats.snapshot();
    assert_eq!(snapshot.total.requests, 24_000);
    assert_eq!(snapshot.in_flight, 0);
    assert_eq!(
        snapshot
            .routes
            .iter()
            .map(|r| r.figures.requests)
            .sum::<u64>(),
        24_000
    );
}

#[cfg(feature = "serde")]
#[tokio::test(start_paused = true)]
async fn a_snapshot_serializes_in_seconds() {
    let stats = Stats::default();
    take(&stats, [Duration::from_secs(1)]).await;
    advance(Duration::from_secs(1)).await;
    let snapshot = stats.snapshot();
    let median = snapshot.total.latency.unwrap().p50.as_secs_f64();
    let figures = serde_json::json!({
        "requests": 1,
        "errors": 0,
        "per_second": 0.5,
        "error_rate": 0.0,
        "latency": {
            "p50_seconds": median,
            "p95_seconds": median,
            "p99_seconds": median,
            "max_seconds": 1.0,
        },
    });
    let mut route = figures.clone();
    route["method"] = "GET".into();
    route["route"] = None::<String>.into();
    let expected = serde_json::json!({
        "window_seconds": 2.0,
        "in_flight": 0,
        "total": figures,
        "routes": [route],
        "other": null,
    });
    assert_eq!(serde_json::to_value(snapshot).unwrap(), expected);
}

/// The oracle is the sorted list of all durations.
#[tokio::test(start_paused = true)]
async fn percentiles_are_within_two_percent_of_the_exact_ones() {
    const SAMPLES: usize = 20_000;
    let mut random = fastrand::Rng::with_seed(7);
    let uniform: fn(f64) -> f64 = |random| 0.001 + random * 0.5;
    let exponential = |random: f64| 1e-5 - 0.02 * (1.0 - random).ln();
    let bimodal = |random: f64| {
        let mode = if random < 0.9 { 0.000_2 } else { 0.3 };
        mode * (0.9 + random * 0.2)
    };
    for (name, shape) in [
        ("uniform", uniform),
        ("exponential", exponential),
        ("bimodal", bimodal),
    ] {
        // Wide enough for all of them.
        let stats = Stats::new(Duration::from_secs(1_000_000));
        let mut all: Vec<_> = (0..SAMPLES)
            .map(|_| Duration::from_nanos((shape(random.f64()) * 1e9) as u64))
            .collect();
        take(&stats, all.iter().copied()).await;
        all.sort_unstable();
        let latency = stats.snapshot().total.latency.unwrap();
        for (percent, seen) in [(50, latency.p50), (95, latency.p95), (99, latency.p99)] {
            let exact = all[(SAMPLES * percent).div_ceil(100) - 1];
            let ratio = seen.as_secs_f64() / exact.as_secs_f64();
            assert!(
                (ratio - 1.0).abs() < 0.02,
                "{name} p{percent}: {seen:?} for {exact:?}"
            );
        }
        assert_eq!(latency.max, *all.last().unwrap());
    }
}
