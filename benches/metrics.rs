//! What do request metrics add to a request, its answer read to the end, alone and beside another
//! thread?

use std::{
    convert::Infallible,
    future::{Ready, ready},
    hint::black_box,
    pin::pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use axum::body::{Body, HttpBody};
use axum_prometheus::PrometheusMetricLayer;
use benches::{ThreadTime, side_by_side, spent};
use criterion::{Criterion, SamplingMode};
use http::{Request, Response};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use opentelemetry::metrics::MeterProvider as _;
use opentelemetry_sdk::metrics::{ManualReader, SdkMeterProvider};
use tower::{Layer, Service, service_fn};
use tower_otel_http_metrics::HTTPMetricsLayerBuilder;
use tower_request_metrics::{DURATION_BUCKETS, RequestMetricsLayer, Stats};

fn main() {
    let duration = Matcher::Suffix("duration".to_owned());
    let prometheus = PrometheusBuilder::new()
        .set_buckets_for_metric(duration, &DURATION_BUCKETS)
        .and_then(PrometheusBuilder::install_recorder)
        .expect("the only recorder");
    let mut criterion = benches::criterion();
    one_thread(&mut criterion, &prometheus);
    two_threads(&mut criterion, &prometheus);
    criterion.final_summary();
}

fn answer(request: Request<Body>) -> Ready<Result<Response<Body>, Infallible>> {
    drop(black_box(request));
    ready(Ok(Response::new(Body::from("hello"))))
}

fn layer() -> RequestMetricsLayer<impl Fn(&Request<Body>) -> Option<&'static str> + Copy> {
    RequestMetricsLayer::server().route(|_: &Request<Body>| Some("/v1/runs/{id}"))
}

/// One exchange without a runtime: every part of it is ready at once.
fn exchange<S, B>(service: &mut S)
where
    S: Service<Request<Body>, Response = Response<B>>,
    B: HttpBody,
{
    let mut context = Context::from_waker(Waker::noop());
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = http::Uri::from_static("/v1/runs/7");
    let service = black_box(service);
    assert!(service.poll_ready(&mut context).is_ready(), "not ready");
    let mut future = pin!(service.call(black_box(request)));
    let Poll::Ready(Ok(response)) = black_box(future.as_mut()).poll(&mut context) else {
        panic!("no answer yet");
    };
    let mut body = pin!(response.into_body());
    while let Poll::Ready(Some(frame)) = black_box(body.as_mut()).poll_frame(&mut context) {
        black_box(frame.is_ok());
    }
}

fn one_thread(criterion: &mut Criterion<ThreadTime>, prometheus: &PrometheusHandle) {
    let mut group = criterion.benchmark_group("metrics");
    let mut bench = |name, exchange: &mut dyn FnMut()| {
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|calls| emptied(prometheus, calls, exchange));
        });
    };
    let mut service = service_fn(answer);
    bench("baseline", &mut || exchange(&mut service));
    let mut service = layer().layer(service_fn(answer));
    bench("ours", &mut || exchange(&mut service));
    let stats = Stats::default();
    let mut service = layer().stats(&stats).layer(service_fn(answer));
    bench("ours-stats", &mut || exchange(&mut service));
    let mut service = PrometheusMetricLayer::new().layer(service_fn(answer));
    bench("axum-prometheus", &mut || exchange(&mut service));

    let reader = ManualReader::builder().build();
    let provider = SdkMeterProvider::builder().with_reader(reader).build();
    let mut service = HTTPMetricsLayerBuilder::builder()
        .with_meter(provider.meter("bench"))
        .build()
        .expect("a meter is all it needs")
        .layer(service_fn(answer));
    bench("tower-otel-http-metrics", &mut || exchange(&mut service));
    group.finish();
}

/// The exporter keeps every observation until it is emptied, which is not what is asked.
fn emptied(prometheus: &PrometheusHandle, calls: u64, exchange: &mut dyn FnMut()) -> Duration {
    const BATCH: u64 = 1_000;
    let batches = calls.div_ceil(BATCH);
    let mut total = Duration::ZERO;
    for _ in 0..batches {
        total += spent(|| (0..BATCH).for_each(|_| exchange()));
        prometheus.run_upkeep();
    }
    total.mul_f64(calls as f64 / (batches * BATCH) as f64)
}

/// Two threads, each with its clone of one service.
fn two_threads(criterion: &mut Criterion<ThreadTime>, prometheus: &PrometheusHandle) {
    let mut group = criterion.benchmark_group("metrics-2-threads");
    group.sample_size(10).sampling_mode(SamplingMode::Flat);
    let service = layer().layer(service_fn(answer));
    group.bench_function("ours", |bencher| {
        bencher.iter_custom(|calls| {
            let spent = side_by_side(calls, || {
                let mut service = service.clone();
                move || exchange(&mut service)
            });
            prometheus.run_upkeep();
            spent
        });
    });
    group.finish();
}
