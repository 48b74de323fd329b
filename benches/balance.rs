//! What does it cost to send a request to one of several endpoints that answer at once, and does the
//! number of endpoints matter?

use std::{
    future::{Ready, ready},
    hint::black_box,
    time::Duration,
};

use benches::{ThreadTime, call, spent};
use criterion::BenchmarkGroup;
use tokio::runtime::{Builder, Runtime};
use tower::{
    BoxError, Service, ServiceExt,
    balance::p2c::Balance as TowerBalance,
    buffer::Buffer,
    discover::ServiceList,
    load::{CompleteOnResponse, PeakEwmaDiscover, PendingRequestsDiscover},
    service_fn,
    util::ServiceFn,
};
use tower_load_balancer::{
    Balance, ConsistentHash, Endpoint, Endpoints, InOrder, LeastPending, PeakEwma, Policy, Random,
    RoundRobin,
};

const SIZES: [usize; 2] = [10, 1_000];

type Answer = Ready<Result<u64, &'static str>>;
type Upstream = ServiceFn<fn(u64) -> Answer>;

fn main() {
    let mut criterion = benches::criterion();
    let runtime = Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime");
    for size in SIZES {
        let mut group = criterion.benchmark_group(format!("balance-{size}"));
        bench(&mut group, "baseline", service_fn(inner));
        ours(&mut group, size);
        {
            // Its services ask for a clock of the runtime.
            let _context = runtime.enter();
            towers(&mut group, size);
        }
        in_a_task(&mut group, size, &runtime);
        group.finish();
    }
    criterion.final_summary();
}

/// Fails with zero, which nobody asks for; the compiler must not know that.
fn inner(number: u64) -> Answer {
    let number = black_box(number);
    ready(if number == 0 {
        Err("broken")
    } else {
        Ok(number)
    })
}

fn bench(group: &mut BenchmarkGroup<'_, ThreadTime>, name: &str, mut service: impl Service<u64>) {
    group.bench_function(name, |bencher| {
        let mut request = 0_u64;
        bencher.iter(|| {
            request += 1;
            call(&mut service, request);
        });
    });
}

fn balance<P: Policy<u64>>(size: usize, policy: P) -> impl Service<u64> {
    let services = services(size).into_iter().enumerate();
    let endpoints = services.map(|(key, service)| Endpoint::new(key, service));
    Balance::new(endpoints.collect::<Endpoints<_, _>>(), policy)
}

fn ours(group: &mut BenchmarkGroup<'_, ThreadTime>, size: usize) {
    bench(group, "ours-round-robin", balance(size, RoundRobin::new()));
    bench(
        group,
        "ours-least-pending",
        balance(size, LeastPending::new()),
    );
    bench(group, "ours-peak-ewma", balance(size, PeakEwma::new()));
    bench(group, "ours-random", balance(size, Random::new()));
    bench(group, "ours-in-order", balance(size, InOrder));
    let by_key = ConsistentHash::new(|key: &u64| *key);
    bench(group, "ours-hash-bounded", balance(size, by_key.clone()));
    bench(group, "ours-hash", balance(size, by_key.unbounded()));
}

fn services(size: usize) -> Vec<Upstream> {
    vec![service_fn(inner as fn(u64) -> Answer); size]
}

fn tower_pending(size: usize) -> impl Service<u64, Error = BoxError, Future: Send> + Send {
    let list = ServiceList::new(services(size));
    TowerBalance::new(PendingRequestsDiscover::new(
        list,
        CompleteOnResponse::default(),
    ))
}

fn towers(group: &mut BenchmarkGroup<'_, ThreadTime>, size: usize) {
    bench(group, "tower-pending", tower_pending(size));
    let list = ServiceList::new(services(size));
    let (rtt, decay) = (Duration::from_millis(30), Duration::from_secs(10));
    let completion = CompleteOnResponse::default();
    let ewma = PeakEwmaDiscover::new::<u64>(list, rtt, decay, completion);
    bench(group, "tower-peak-ewma", TowerBalance::new(ewma));
}

/// Tower's balancer is not `Clone`: to be shared it stands behind a buffer, whose worker runs on the
/// same thread here. Ours is shared as it is; it runs in a task too, for the comparison.
fn in_a_task(group: &mut BenchmarkGroup<'_, ThreadTime>, size: usize, runtime: &Runtime) {
    let mut bench = |name, service: &mut dyn FnMut(u64) -> Duration| {
        group.bench_function(name, |bencher| bencher.iter_custom(&mut *service));
    };
    let mut service = black_box(balance(size, LeastPending::new()));
    bench("ours-in-task", &mut |times| {
        drive(runtime, &mut service, times)
    });
    let mut service = {
        let _context = runtime.enter();
        Buffer::new(tower_pending(size), 64)
    };
    bench("tower-buffer", &mut |times| {
        drive(runtime, &mut service, times)
    });
}

/// One request after the other.
fn drive(runtime: &Runtime, service: &mut impl Service<u64>, times: u64) -> Duration {
    spent(|| {
        runtime.block_on(async {
            for request in 1..=times {
                let ready = service.ready().await;
                assert!(ready.is_ok(), "not ready");
                let answer = service.call(black_box(request)).await;
                assert!(black_box(answer).is_ok(), "no answer");
            }
        });
    })
}
