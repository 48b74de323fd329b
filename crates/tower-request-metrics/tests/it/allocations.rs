//! What a request costs of memory.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    hint::black_box,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use metrics::{
    Counter, Gauge, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder, SharedString, Unit,
};
use tower::{Layer, Service, service_fn};
use tower_request_metrics::{RequestMetricsLayer, Stats};

type Answer = Ready<Result<Response<Full<Bytes>>, Infallible>>;

fn answer(_: Request<()>) -> Answer {
    ready(Ok(Response::new(Full::new(Bytes::from_static(b"hello")))))
}

/// One exchange without a runtime, its body read to the end.
fn exchange<S, B>(service: &mut S, request: Request<()>)
where
    S: Service<Request<()>, Response = Response<B>, Error = Infallible>,
    B: http_body::Body,
{
    let mut context = Context::from_waker(Waker::noop());
    assert!(service.poll_ready(&mut context).is_ready());
    let Poll::Ready(Ok(response)) = pin!(service.call(request)).poll(&mut context) else {
        panic!("no answer");
    };
    let mut body = pin!(response.into_body());
    while let Poll::Ready(Some(Ok(frame))) = body.as_mut().poll_frame(&mut context) {
        black_box(frame.is_data());
    }
}

/// A recorder that only counts, so that no allocation is its own.
#[derive(Default)]
struct Counting(Arc<Recorded>);

#[derive(Default)]
struct Recorded {
    series: AtomicU64,
    requests: AtomicU64,
}

impl HistogramFn for Recorded {
    fn record(&self, _: f64) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }
}

impl Recorder for Counting {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
        Counter::noop()
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        self.0.series.fetch_add(1, Ordering::Relaxed);
        Histogram::from_arc(Arc::clone(&self.0))
    }
}

#[test]
fn a_request_allocates_nothing() {
    let stats = Stats::default();
    let mut service = RequestMetricsLayer::server()
        .recorder(Arc::new(Counting::default()))
        .route(|_: &Request<()>| Some("/v1/runs/{id}"))
        .skip(|_: &Request<()>| false)
        .head_duration()
        .response_size()
        .grpc()
        .stats(&stats)
        .layer(service_fn(answer));
    exchange(&mut service, Request::new(()));

    let cost = allocation_counter::measure(|| {
        for _ in 0..1_000 {
            exchange(&mut service, Request::new(()));
        }
    });

    assert_eq!(cost.count_total, 0);
    assert_eq!(stats.snapshot().total.requests, 1_001);
}

#[test]
fn a_million_paths_stay_under_the_limit_with_exact_totals() {
    let counting = Counting::default();
    let recorded = Arc::clone(&counting.0);
    let stats = Stats::default().max_routes(50);
    let mut service = RequestMetricsLayer::server()
        .recorder(Arc::new(counting))
        .stats(&stats)
        // What the documentation forbids.
        .route(|request: &Request<()>| Some(request.uri().path().to_owned()))
        .layer(service_fn(answer));

    let cost = allocation_counter::measure(|| {
        for path in 0..1_000_000 {
            let mut request = Request::new(());
            *request.uri_mut() = format!("/{path}").parse().unwrap();
            exchange(&mut service, request);
        }
    });

    assert_eq!(recorded.series.load(Ordering::Relaxed), 2_001);
    assert_eq!(recorded.requests.load(Ordering::Relaxed), 1_000_000);
    let snapshot = stats.snapshot();
    assert_eq!(snapshot.total.requests, 1_000_000);
    assert_eq!(snapshot.routes.len(), 50);
    assert_eq!(snapshot.other.unwrap().requests, 999_950);
    let kept = cost.bytes_current;
    assert!(kept < 2 << 20, "{kept} bytes are kept");
}
