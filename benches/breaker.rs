//! What does a circuit breaker add to a call that passes, and what does a rejection cost?

use std::{
    future::{Ready, ready},
    hint::black_box,
    num::NonZeroU32,
    sync::Arc,
    time::Duration,
};

use benches::call;
use recloser::Recloser;
use tower::{Layer, service_fn};
use tower_circuit_breaker::{CircuitBreakerLayer, Trip};

const HOUR: Duration = Duration::from_secs(3600);

/// Fails with zero, which nobody asks for; the compiler must not know that.
fn inner(number: u64) -> Ready<Result<u64, &'static str>> {
    let number = black_box(number);
    ready(if number == 0 {
        Err("broken")
    } else {
        Ok(number)
    })
}

fn main() {
    let mut criterion = benches::criterion();
    let mut group = criterion.benchmark_group("breaker");

    let mut service = service_fn(inner);
    group.bench_function("baseline", |bencher| {
        bencher.iter(|| call(&mut service, 1));
    });

    // What sharing a state with the future costs at least.
    let state = Arc::new(1);
    group.bench_function("arc-clone", |bencher| {
        bencher.iter(|| {
            let held = black_box(Arc::clone(&state));
            call(&mut service, *held);
        });
    });

    let mut service = CircuitBreakerLayer::new().layer(service_fn(inner));
    group.bench_function("ours", |bencher| {
        bencher.iter(|| call(&mut service, 1));
    });

    let mut service = tower_resilience_circuitbreaker::CircuitBreakerLayer::builder()
        .build()
        .expect("the defaults are legal")
        .layer(service_fn(inner));
    group.bench_function("tower-resilience-circuitbreaker", |bencher| {
        bencher.iter(|| call(&mut service, 1));
    });

    // Not a layer: made one as its users would.
    let recloser = Recloser::default();
    let mut service = service_fn(|number| ready(recloser.call(|| inner(number).into_inner())));
    group.bench_function("recloser", |bencher| {
        bencher.iter(|| call(&mut service, 1));
    });

    let one = Trip::consecutive(NonZeroU32::MIN);
    let mut service = CircuitBreakerLayer::new()
        .trip(one)
        .open_for(HOUR, HOUR)
        .layer(service_fn(inner));
    call(&mut service, 0);
    group.bench_function("ours-open", |bencher| {
        bencher.iter(|| call(&mut service, 1));
    });

    group.finish();
    criterion.final_summary();
}
