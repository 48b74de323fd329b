//! What does an answer from the cache cost, and what does an operation of its store?

use std::{
    convert::Infallible,
    future::{Ready, ready},
    hint::black_box,
    pin::pin,
    sync::Arc,
    task::{Context, Waker},
    time::Duration,
};

use axum::body::{Bytes, HttpBody};
use benches::{ThreadTime, call};
use criterion::Criterion;
use http::{Request, Response};
use http_body_util::Full;
use tower::{Layer, Service, service_fn};
use tower_http_cache::prelude::{CacheLayer, InMemoryBackend};
use tower_ttl_cache::{HttpCacheLayer, memo::MemoLayer, store::MemoryStore};

const HOUR: Duration = Duration::from_secs(3600);

/// As many keys as are asked for, and as many as are kept.
const KEYS: usize = 1_000_000;
const KEPT: usize = 100_000;

fn main() {
    // A peer spawns what it does beside answering.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build();
    let runtime = runtime.expect("a runtime");
    let _entered = runtime.enter();
    let mut criterion = benches::criterion();
    hit(&mut criterion, "hit-1-KiB", 1 << 10);
    hit(&mut criterion, "hit-1-MiB", 1 << 20);
    miss(&mut criterion);
    zipf(&mut criterion);
    criterion.final_summary();
}

fn request(path: &str) -> Request<()> {
    Request::get(path)
        .header("host", "example.com")
        .header("accept", "application/json")
        .header("accept-language", "en")
        .header("user-agent", "bench/1")
        .body(())
        .expect("a request")
}

fn response(body: Bytes) -> Response<Full<Bytes>> {
    Response::builder()
        .header("cache-control", "max-age=3600")
        .header("content-type", "application/json")
        .header("content-length", body.len())
        .header("etag", "\"a\"")
        .header("server", "bench")
        .body(Full::new(body))
        .expect("a response")
}

type Answer = Result<Response<Full<Bytes>>, Infallible>;

fn origin(
    size: usize,
) -> impl Service<
    Request<()>,
    Response = Response<Full<Bytes>>,
    Error = Infallible,
    Future = Ready<Answer>,
> + Clone {
    let body = Bytes::from(vec![b'x'; size]);
    service_fn(move |_: Request<()>| ready(Ok(response(body.clone()))))
}

/// A call whose body is read to the end, so that it is stored.
fn read<S, B>(service: &mut S, request: Request<()>)
where
    S: Service<Request<()>, Response = Response<B>>,
    B: HttpBody,
{
    let mut context = Context::from_waker(Waker::noop());
    assert!(service.poll_ready(&mut context).is_ready());
    let mut future = pin!(service.call(request));
    let std::task::Poll::Ready(Ok(response)) = future.as_mut().poll(&mut context) else {
        panic!("no answer yet");
    };
    let mut body = pin!(response.into_body());
    while let std::task::Poll::Ready(Some(frame)) = body.as_mut().poll_frame(&mut context) {
        assert!(frame.is_ok());
    }
}

/// One hot response. The baseline makes the same one anew.
fn hit(criterion: &mut Criterion<ThreadTime>, name: &str, size: usize) {
    let mut group = criterion.benchmark_group(name);
    let mut bench = |name, call: &mut dyn FnMut()| {
        group.bench_function(name, |bencher| bencher.iter(&mut *call));
    };
    let mut service = origin(size);
    bench("baseline", &mut || call(&mut service, request("/hot")));

    let layer = HttpCacheLayer::private(MemoryStore::new());
    let mut service = layer.layer(origin(size));
    read(&mut service, request("/hot"));
    call(&mut service, request("/hot"));
    assert_eq!(layer.handle().stats().hits, 1);
    bench("ours", &mut || call(&mut service, request("/hot")));

    let layer = CacheLayer::builder(InMemoryBackend::new(10_000))
        .ttl(HOUR)
        .max_body_size(None)
        .build();
    let mut service = layer.layer(origin(size));
    read(&mut service, request("/hot"));
    bench("tower-http-cache", &mut || {
        call(&mut service, request("/hot"));
    });
    group.finish();
}

/// A response that is stored, over and over.
fn miss(criterion: &mut Criterion<ThreadTime>) {
    let mut group = criterion.benchmark_group("miss-1-KiB");
    let paths: Vec<String> = (0..4096).map(|n| format!("/{n}")).collect();
    let mut next = 0;
    let mut path = || {
        next = (next + 1) % paths.len();
        &paths[next]
    };
    let mut service = origin(1 << 10);
    group.bench_function("baseline", |bencher| {
        bencher.iter(|| read(&mut service, request(path())));
    });
    let store = MemoryStore::new().max_entries(1024);
    let mut service = HttpCacheLayer::private(store).layer(origin(1 << 10));
    group.bench_function("ours", |bencher| {
        bencher.iter(|| read(&mut service, request(path())));
    });
    let layer = CacheLayer::builder(InMemoryBackend::new(1024))
        .ttl(HOUR)
        .build();
    let mut service = layer.layer(origin(1 << 10));
    group.bench_function("tower-http-cache", |bencher| {
        bencher.iter(|| read(&mut service, request(path())));
    });
    group.finish();
}

/// Get or insert, with keys as popular as words in a text. Ours is the whole memo layer around a
/// service that does nothing; the others are the bare stores.
fn zipf(criterion: &mut Criterion<ThreadTime>) {
    let mut group = criterion.benchmark_group("zipf");
    let keys = popular();
    let value: Arc<[u8]> = vec![0; 64].into();
    let turn = || {
        let mut at = 0;
        let keys = keys.clone();
        move || {
            at = (at + 1) % keys.len();
            keys[at]
        }
    };

    let made = value.clone();
    let inner = service_fn(move |_: u64| ready(Ok::<_, Infallible>(made.clone())));
    let layer = MemoLayer::new(|key: &u64| Some(*key), HOUR).max_entries(KEPT);
    let mut service = layer.layer(inner);
    let mut key = turn();
    (0..KEYS).for_each(|_| call(&mut service, key()));
    group.bench_function("ours", |bencher| bencher.iter(|| call(&mut service, key())));
    println!(
        "zipf hits, ours: {:.2} %",
        layer.handle().stats().hit_ratio() * 100.0
    );

    let cache = quick_cache::sync::Cache::new(KEPT);
    let mut key = turn();
    let mut ask = || {
        let key = black_box(key());
        cache.get(&key).unwrap_or_else(|| {
            cache.insert(key, value.clone());
            value.clone()
        })
    };
    (0..KEYS).for_each(|_| drop(ask()));
    group.bench_function("quick_cache", |bencher| bencher.iter(&mut ask));

    let cache = moka::sync::Cache::new(KEPT as u64);
    let mut key = turn();
    let mut ask = || {
        let key = black_box(key());
        cache.get(&key).unwrap_or_else(|| {
            cache.insert(key, value.clone());
            value.clone()
        })
    };
    (0..KEYS).for_each(|_| drop(ask()));
    group.bench_function("moka", |bencher| bencher.iter(&mut ask));
    group.finish();
}

/// Zipf's law with an exponent of 0.99, in an order that is the same every time.
fn popular() -> Arc<[u64]> {
    let mut sum = 0.0;
    let shares: Vec<f64> = (1..=KEYS)
        .map(|rank| {
            sum += (rank as f64).powf(-0.99);
            sum
        })
        .collect();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    (0..4 * KEYS)
        .map(|_| {
            let at = random() * sum;
            shares.partition_point(|share| *share < at) as u64
        })
        .collect()
}
