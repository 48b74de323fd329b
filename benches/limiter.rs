//! What does a rate-limit decision cost, alone and as a layer?

use std::{
    convert::Infallible,
    future::ready,
    hint::black_box,
    net::Ipv4Addr,
    num::{NonZeroU32, NonZeroUsize},
    time::Duration,
};

use axum::body::Body;
use benches::{ThreadTime, call};
use criterion::Criterion;
use foldhash::quality::RandomState;
use governor::RateLimiter;
use http::{Request, Response};
use tower::{Layer, service_fn};
use tower_governor::{
    GovernorLayer, governor::GovernorConfigBuilder, key_extractor::GlobalKeyExtractor,
};
use tower_sliding_window::{
    Charge, FixedStore, MemoryStore, Quota, RateLimitLayer, Store, TooManyRequests,
};

/// More than any loop here asks for, and the most that governor can tell apart.
const PLENTY: u32 = 1_000_000_000;
const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

const KEYS: u32 = 1000;
const MILLION: u32 = 1_000_000;

fn main() {
    let mut criterion = benches::criterion();
    unkeyed(&mut criterion);
    keyed(&mut criterion, "keyed", quota(PLENTY, SECOND), peer(PLENTY));
    let one_an_hour = governor::Quota::with_period(HOUR).expect("an hour is not zero");
    keyed(&mut criterion, "keyed-refused", quota(1, HOUR), one_an_hour);
    many_keys(&mut criterion);
    layer(&mut criterion);
    criterion.final_summary();
}

fn quota(limit: u32, window: Duration) -> Quota {
    Quota::new(limit, window).expect("neither is zero")
}

fn peer(per_second: u32) -> governor::Quota {
    governor::Quota::per_second(NonZeroU32::new(per_second).expect("it is not zero"))
}

/// One limit for everybody: the one key there is has no bits to hash. `coarse` reads the kernel's
/// last tick, as fine as some peers' clocks are cheap.
fn unkeyed(criterion: &mut Criterion<ThreadTime>) {
    let mut group = criterion.benchmark_group("unkeyed");
    let plenty = quota(PLENTY, SECOND);
    for (name, store) in [
        ("ours", MemoryStore::new()),
        ("ours-coarse", MemoryStore::new().coarse_clock()),
    ] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                store
                    .admit(Charge::new(black_box(&()), plenty))
                    .into_inner()
            });
        });
    }
    let limiter = RateLimiter::direct(peer(PLENTY));
    group.bench_function("governor", |bencher| {
        bencher.iter(|| black_box(&limiter).check());
    });
    group.finish();
}

/// A limit for each of a thousand addresses, which come in turn; the same hasher for both, and the
/// peer with its own.
fn keyed(criterion: &mut Criterion<ThreadTime>, name: &str, ours: Quota, theirs: governor::Quota) {
    let mut group = criterion.benchmark_group(name);
    for (name, store) in [
        ("ours", MemoryStore::new()),
        ("ours-coarse", MemoryStore::new().coarse_clock()),
    ] {
        let mut address = addresses(KEYS);
        group.bench_function(name, |bencher| {
            bencher.iter(|| store.admit(Charge::new(&address(), ours)).into_inner());
        });
    }
    let limiter = RateLimiter::keyed(theirs);
    let mut address = addresses(KEYS);
    group.bench_function("governor", |bencher| {
        bencher.iter(|| limiter.check_key(&address()).is_ok());
    });
    let limiter = RateLimiter::dashmap_with_hasher(theirs, RandomState::default());
    let mut address = addresses(KEYS);
    group.bench_function("governor-foldhash", |bencher| {
        bencher.iter(|| limiter.check_key(&address()).is_ok());
    });
    group.finish();
}

/// A million addresses, known already, in an order no cache foresees.
fn many_keys(criterion: &mut Criterion<ThreadTime>) {
    let mut group = criterion.benchmark_group("million-keys");
    let plenty = quota(PLENTY, HOUR);
    let places = NonZeroUsize::new(2_000_000).expect("it is not zero");

    let store = MemoryStore::with_max_keys(places).coarse_clock();
    let mut address = addresses(MILLION);
    for _ in 0..MILLION {
        let _ = store.admit(Charge::new(&address(), plenty)).into_inner();
    }
    group.bench_function("ours", |bencher| {
        bencher.iter(|| store.admit(Charge::new(&address(), plenty)).into_inner());
    });
    drop(store);

    let store = FixedStore::new(places).coarse_clock();
    let mut address = addresses(MILLION);
    for _ in 0..MILLION {
        let _ = store.admit(Charge::new(&address(), plenty)).into_inner();
    }
    group.bench_function("ours-fixed", |bencher| {
        bencher.iter(|| store.admit(Charge::new(&address(), plenty)).into_inner());
    });
    drop(store);

    let hour = governor::Quota::with_period(HOUR / PLENTY).expect("it is not zero");
    let limiter = RateLimiter::keyed(hour.allow_burst(NonZeroU32::MAX));
    let mut address = addresses(MILLION);
    for _ in 0..MILLION {
        let _ = limiter.check_key(&address());
    }
    group.bench_function("governor", |bencher| {
        bencher.iter(|| limiter.check_key(&address()).is_ok());
    });
    group.finish();
}

fn addresses(keys: u32) -> impl FnMut() -> Ipv4Addr {
    let mut last = 0;
    // A step without a factor in common with the number meets each once a round.
    let step = if keys == MILLION { 618_033 } else { 1 };
    move || {
        last = (last + step) % keys;
        black_box(Ipv4Addr::from_bits(0x0a00_0000 + last))
    }
}

/// The whole layer around a service that does nothing.
fn layer(criterion: &mut Criterion<ThreadTime>) {
    let inner =
        || service_fn(|_: Request<()>| ready(Ok::<_, Infallible>(Response::new(Body::empty()))));
    let ours = |quota, store| {
        RateLimitLayer::new(|_: &Request<()>| Some(()), quota)
            .store(store)
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
    bench("baseline", &mut || {
        call(&mut service, Request::new(()));
    });
    let mut service = ours(quota(PLENTY, SECOND), MemoryStore::new());
    bench("ours", &mut || {
        call(&mut service, Request::new(()));
    });
    let mut service = ours(quota(PLENTY, SECOND), MemoryStore::new().coarse_clock());
    bench("ours-coarse", &mut || {
        call(&mut service, Request::new(()));
    });
    let mut service = theirs(Duration::from_nanos(1), PLENTY);
    bench("tower_governor", &mut || {
        call(&mut service, Request::new(()));
    });
    let mut service = ours(quota(1, HOUR), MemoryStore::new());
    bench("ours-refused", &mut || {
        call(&mut service, Request::new(()));
    });
    // Without the header fields, which cost most of a refusal.
    let mut service =
        RateLimitLayer::new(|_: &Request<()>| Some(()), quota(1, HOUR)).layer(inner());
    bench("ours-refused-as-error", &mut || {
        call(&mut service, Request::new(()));
    });
    let mut service = theirs(HOUR, 1);
    bench("tower_governor-refused", &mut || {
        call(&mut service, Request::new(()));
    });
    group.finish();
}
