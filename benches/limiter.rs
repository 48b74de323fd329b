//! What does a rate-limit decision cost, alone and as a layer?

use std::{
    convert::Infallible, future::ready, hint::black_box, net::Ipv4Addr, num::NonZeroU32,
    time::Duration,
};

use axum::body::Body;
use benches::{ThreadTime, call};
use criterion::Criterion;
use governor::RateLimiter;
use http::{Request, Response};
use tower::{Layer, service_fn};
use tower_governor::{
    GovernorLayer, governor::GovernorConfigBuilder, key_extractor::GlobalKeyExtractor,
};
use tower_sliding_window::{Charge, MemoryStore, Quota, RateLimitLayer, Store, TooManyRequests};

/// More than any loop here asks for, and the most that governor can tell apart.
const PLENTY: u32 = 1_000_000_000;
const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

const KEYS: u32 = 1000;

fn main() {
    let mut criterion = benches::criterion();
    unkeyed(&mut criterion);
    keyed(&mut criterion, "keyed", quota(PLENTY, SECOND), peer(PLENTY));
    let one_an_hour = governor::Quota::with_period(HOUR).expect("an hour is not zero");
    keyed(&mut criterion, "keyed-refused", quota(1, HOUR), one_an_hour);
    layer(&mut criterion);
    criterion.final_summary();
}

fn quota(limit: u32, window: Duration) -> Quota {
    Quota::new(limit, window).expect("neither is zero")
}

fn peer(per_second: u32) -> governor::Quota {
    governor::Quota::per_second(NonZeroU32::new(per_second).expect("it is not zero"))
}

/// One limit for everybody: the one key there is has no bits to hash.
fn unkeyed(criterion: &mut Criterion<ThreadTime>) {
    let mut group = criterion.benchmark_group("unkeyed");
    let (store, plenty) = (MemoryStore::new(), quota(PLENTY, SECOND));
    group.bench_function("ours", |bencher| {
        bencher.iter(|| {
            store
                .admit(Charge::new(black_box(&()), plenty))
                .into_inner()
        });
    });
    let limiter = RateLimiter::direct(peer(PLENTY));
    group.bench_function("governor", |bencher| {
        bencher.iter(|| black_box(&limiter).check());
    });
    group.finish();
}

/// A limit for each of a thousand addresses, which come in turn.
fn keyed(criterion: &mut Criterion<ThreadTime>, name: &str, ours: Quota, theirs: governor::Quota) {
    let mut group = criterion.benchmark_group(name);
    let store = MemoryStore::new();
    let mut address = addresses();
    group.bench_function("ours", |bencher| {
        bencher.iter(|| store.admit(Charge::new(&address(), ours)).into_inner());
    });
    let limiter = RateLimiter::keyed(theirs);
    let mut address = addresses();
    group.bench_function("governor", |bencher| {
        bencher.iter(|| limiter.check_key(&address()).is_ok());
    });
    group.finish();
}

fn addresses() -> impl FnMut() -> Ipv4Addr {
    let mut last = 0;
    move || {
        last = (last + 1) % KEYS;
        black_box(Ipv4Addr::from_bits(0x0a00_0000 + last))
    }
}

/// The whole layer around a service that does nothing.
fn layer(criterion: &mut Criterion<ThreadTime>) {
    let inner =
        || service_fn(|_: Request<()>| ready(Ok::<_, Infallible>(Response::new(Body::empty()))));
    let ours = |quota| {
        RateLimitLayer::new(|_: &Request<()>| Some(()), quota)
            .respond(TooManyRequests::new())
            .layer(inner())
    };
    let theirs = |period, burst| {
        let configuration = GovernorConfigBuilder::default()
            .period(period)
            .burst_size(burst)
            .key_extractor(GlobalKeyExtractor)
            .finish()
            .expect("neither is zero");
        GovernorLayer::new(configuration).layer(inner())
    };

    let mut group = criterion.benchmark_group("layer");
    let mut bench = |name, service: &mut dyn FnMut()| {
        group.bench_function(name, |bencher| bencher.iter(&mut *service));
    };
    let mut service = inner();
    bench("baseline", &mut || call(&mut service, Request::new(())));
    let mut service = ours(quota(PLENTY, SECOND));
    bench("ours", &mut || call(&mut service, Request::new(())));
    let mut service = theirs(Duration::from_nanos(1), PLENTY);
    bench("tower_governor", &mut || {
        call(&mut service, Request::new(()));
    });
    let mut service = ours(quota(1, HOUR));
    bench("ours-refused", &mut || call(&mut service, Request::new(())));
    let mut service = theirs(HOUR, 1);
    bench("tower_governor-refused", &mut || {
        call(&mut service, Request::new(()));
    });
    group.finish();
}
