//! Real threads, no runtime. What is checked holds for every schedule; no time is asserted.

use std::{
    future::{Ready, ready},
    sync::{
        Barrier,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    thread,
    time::Duration,
};

use tokio_test::{assert_ready, assert_ready_ok, task};
use tower::{Layer, Service, ServiceExt};
use tower_circuit_breaker::{CircuitBreakerLayer, State, Trip, Window};

use crate::scripted::{calls, times};

const THREADS: usize = 8;

/// Counts the calls that reach it and ends them as the request says.
#[derive(Clone)]
struct Counted<'a>(&'a AtomicUsize);

impl Service<Result<(), ()>> for Counted<'_> {
    type Response = ();
    type Error = ();
    type Future = Ready<Result<(), ()>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, end: Result<(), ()>) -> Self::Future {
        self.0.fetch_add(1, Ordering::SeqCst);
        ready(end)
    }
}

#[test]
fn threads_at_the_half_open_door_start_exactly_as_many_probes_as_permitted() {
    const ROUNDS: usize = 300;
    const PROBES: u16 = 3;
    let layer = CircuitBreakerLayer::new()
        .trip(Trip::consecutive(times(1)))
        .open_for(Duration::ZERO, Duration::ZERO)
        .probe_lease(Duration::MAX)
        .probes(calls(PROBES));
    let circuit = layer.handle();
    let started = AtomicUsize::new(0);
    let mut opener = layer.layer(Counted(&started));
    assert_ready_ok!(task::spawn(opener.ready()).poll());
    assert!(assert_ready!(task::spawn(opener.call(Err(()))).poll()).is_err());
    started.store(0, Ordering::SeqCst);

    let barrier = Barrier::new(THREADS);
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let mut service = layer.layer(Counted(&started));
            let (circuit, barrier, started) = (&circuit, &barrier, &started);
            scope.spawn(move || {
                for round in 1..=ROUNDS {
                    while circuit.retry_after() != Some(Duration::ZERO) {
                        thread::yield_now();
                    }
                    barrier.wait();
                    assert_ready_ok!(task::spawn(service.ready()).poll());
                    // Every other round they pass and the circuit is opened anew.
                    let end = if round % 2 == 0 { Ok(()) } else { Err(()) };
                    let mut call = task::spawn(service.call(end));
                    barrier.wait();
                    assert_eq!(started.load(Ordering::SeqCst), round * usize::from(PROBES));
                    assert_eq!(circuit.state(), State::HalfOpen);
                    barrier.wait();
                    let _ = assert_ready!(call.poll());
                    barrier.wait();
                    if thread == 0 && round % 2 == 0 {
                        assert_eq!(circuit.state(), State::Closed);
                        assert_ready_ok!(task::spawn(service.ready()).poll());
                        let _ = assert_ready!(task::spawn(service.call(Err(()))).poll());
                        started.fetch_sub(1, Ordering::SeqCst);
                    }
                    barrier.wait();
                    assert_eq!(circuit.state(), State::Open);
                    barrier.wait();
                }
            });
        }
    });
    let refused = (THREADS - usize::from(PROBES)) * ROUNDS;
    assert_eq!(circuit.rejected(), refused as u64);
    // Of three failed probes the first opens the circuit and the others are late.
    assert_eq!(circuit.late_results(), 2 * ROUNDS as u64 / 2);
    assert_eq!(circuit.opened(), 1 + ROUNDS as u64);
}

#[test]
fn threads_that_succeed_and_fail_at_will_leave_a_circuit_that_still_works() {
    let trip = Trip::failure_rate(0.5, Window::Calls(calls(10))).unwrap();
    let layer = CircuitBreakerLayer::new()
        .trip(trip.or_consecutive(times(4)))
        .open_for(Duration::ZERO, Duration::ZERO)
        .probe_lease(Duration::from_millis(1))
        .probes(calls(2));
    let circuit = layer.handle();
    let started = AtomicUsize::new(0);
    let called = AtomicUsize::new(0);
    thread::scope(|scope| {
        for seed in 1..=THREADS as u64 {
            let mut service = layer.layer(Counted(&started));
            let (circuit, called) = (&circuit, &called);
            scope.spawn(move || {
                let mut random = seed;
                for _ in 0..20_000 {
                    random = random
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1);
                    assert_ready_ok!(task::spawn(service.ready()).poll());
                    let end = if random >> 62 == 0 { Err(()) } else { Ok(()) };
                    called.fetch_add(1, Ordering::Relaxed);
                    let mut call = task::spawn(service.call(end));
                    match random >> 56 & 63 {
                        0 => drop(call),
                        1 => std::mem::forget(call),
                        2 => circuit.reset(),
                        _ => drop(call.poll()),
                    }
                }
            });
        }
    });
    let refused = usize::try_from(circuit.rejected()).unwrap();
    assert_eq!(started.into_inner() + refused, called.into_inner());

    circuit.reset();
    let last = AtomicUsize::new(0);
    let mut service = layer.layer(Counted(&last));
    for _ in 0..4 {
        assert_eq!(circuit.state(), State::Closed);
        assert_ready_ok!(task::spawn(service.ready()).poll());
        let _ = assert_ready!(task::spawn(service.call(Err(()))).poll());
    }
    assert_eq!(circuit.state(), State::Open);
}
