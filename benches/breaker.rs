//! What does a circuit breaker add to a call that passes, alone and beside another thread, and what
//! does a rejection cost?

use std::{
    future::{Ready, ready},
    hint::black_box,
    num::NonZeroU32,
    sync::Arc,
    time::Duration,
};

use benches::{ThreadTime, call, side_by_side, spent};
use criterion::{Criterion, SamplingMode};
use failsafe::futures::CircuitBreaker as _;
use recloser::{AsyncRecloser, Recloser};
use tower::{Layer, Service, service_fn};
use tower_circuit_breaker::{CircuitBreakerLayer, Trip, Window};

const HOUR: Duration = Duration::from_secs(3600);

fn main() {
    let mut criterion = benches::criterion();
    one_thread(&mut criterion);
    two_threads(&mut criterion);
    windows(&mut criterion);
    criterion.final_summary();
}

/// Fails with zero, which nobody asks for; the compiler must not know that.
fn inner(number: u64) -> Ready<Result<u64, &'static str>> {
    let number = black_box(number);
    ready(if number == 0 {
        Err("broken")
    } else {
        Ok(number)
    })
}

/// What sharing a state with the future costs at least.
fn arc_clone() -> impl Service<u64> + Clone {
    let state = Arc::new(1_u64);
    service_fn(move |number| {
        let held = black_box(Arc::clone(&state));
        inner(number * *held)
    })
}

fn ours() -> impl Service<u64> + Clone {
    CircuitBreakerLayer::new().layer(service_fn(inner))
}

fn tower_resilience() -> impl Service<u64> + Clone {
    tower_resilience_circuitbreaker::CircuitBreakerLayer::builder()
        .build()
        .expect("the defaults are legal")
        .layer(service_fn(inner))
}

/// Not a layer: made one as its users would. So is the next.
fn recloser() -> impl Service<u64> + Clone {
    let recloser = AsyncRecloser::from(Recloser::default());
    service_fn(move |number| recloser.call(inner(number)))
}

fn failsafe() -> impl Service<u64> + Clone {
    let breaker = failsafe::Config::new().build();
    service_fn(move |number| breaker.call(inner(number)))
}

fn one_thread(criterion: &mut Criterion<ThreadTime>) {
    let mut group = criterion.benchmark_group("breaker");
    let mut bench = |name, service: &mut dyn FnMut()| {
        group.bench_function(name, |bencher| bencher.iter(&mut *service));
    };
    let mut service = service_fn(inner);
    bench("baseline", &mut || call(&mut service, 1));
    let mut service = arc_clone();
    bench("arc-clone", &mut || call(&mut service, 1));
    let mut service = ours();
    bench("ours", &mut || call(&mut service, 1));
    let mut service = tower_resilience();
    bench("tower-resilience-circuitbreaker", &mut || {
        call(&mut service, 1);
    });
    let mut service = recloser();
    bench("recloser", &mut || call(&mut service, 1));
    let mut service = failsafe();
    bench("failsafe", &mut || call(&mut service, 1));

    let mut service = CircuitBreakerLayer::new()
        .trip(Trip::consecutive(NonZeroU32::MIN))
        .open_for(HOUR, HOUR)
        .layer(service_fn(inner));
    call(&mut service, 0);
    bench("ours-open", &mut || call(&mut service, 1));
    group.finish();
}

/// Two threads, each with its clone of one service. tower-resilience is not among them: its lock
/// puts threads to sleep, so they do not run at once.
fn two_threads(criterion: &mut Criterion<ThreadTime>) {
    let mut group = criterion.benchmark_group("breaker-2-threads");
    group.sample_size(10).sampling_mode(SamplingMode::Flat);
    let mut bench = |name, cost: &dyn Fn(u64) -> Duration| {
        group.bench_function(name, |bencher| bencher.iter_custom(cost));
    };
    let service = arc_clone();
    bench("arc-clone", &|calls| {
        side_by_side(calls, || caller(&service))
    });
    let service = ours();
    bench("ours", &|calls| side_by_side(calls, || caller(&service)));
    let service = recloser();
    bench("recloser", &|calls| {
        side_by_side(calls, || caller(&service))
    });
    group.finish();
}

fn caller<S: Service<u64> + Clone>(service: &S) -> impl FnMut() + use<S> {
    let mut service = service.clone();
    move || call(&mut service, 1)
}

/// A window of time that holds so many results already; every tenth call fails.
fn windows(criterion: &mut Criterion<ThreadTime>) {
    const CALLS: u64 = 1_000;
    let mut group = criterion.benchmark_group("breaker-time-window");
    for records in [100_u64, 100_000] {
        let trip = Trip::failure_rate(0.5, Window::Time(HOUR)).expect("a rate");
        let layer = CircuitBreakerLayer::new().trip(trip);
        let circuit = layer.handle();
        let mut service = layer.layer(service_fn(inner));
        let mut record = |number| call(&mut service, number);
        group.bench_function(records.to_string(), |bencher| {
            bencher.iter_custom(|calls| {
                let batches = calls.div_ceil(CALLS);
                let mut total = Duration::ZERO;
                for _ in 0..batches {
                    circuit.reset();
                    (0..records).for_each(|_| record(1));
                    total += spent(|| (0..CALLS).for_each(|at| record(at % 10)));
                }
                total.mul_f64(calls as f64 / (batches * CALLS) as f64)
            });
        });
    }
    group.finish();
}
