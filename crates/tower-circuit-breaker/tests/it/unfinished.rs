//! Calls that end without a result: dropped or panicked.

use std::{
    future::Ready,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    task::{Context, Poll},
};

use tower::{Layer, Service, ServiceExt, service_fn};
use tower_circuit_breaker::{CircuitBreakerLayer, OnCancel, State, Trip, Verdict};

use crate::scripted::{End, Scripted, calls, due, times, touchy};

#[tokio::test(start_paused = true)]
async fn dropped_calls_are_no_failures() {
    let mut service = Scripted::new(touchy());
    for _ in 0..60 {
        drop(service.start().unwrap());
    }
    assert_eq!(service.state(), State::Closed);
    assert_eq!(service.failures_until_open(2), 1);
}

#[tokio::test(start_paused = true)]
async fn dropped_calls_are_failures_if_so_told() {
    let layer = CircuitBreakerLayer::new().trip(Trip::consecutive(times(60)));
    let mut service = Scripted::new(layer.on_cancel(OnCancel::Failure));
    for _ in 0..60 {
        assert_eq!(service.state(), State::Closed);
        drop(service.start().unwrap());
    }
    assert_eq!(service.state(), State::Open);
    service.wait_until_due().await;
    drop(service.start().unwrap());
    assert_eq!(service.state(), State::Open);
    assert_eq!(service.circuit.opened(), 2);
}

#[tokio::test(start_paused = true)]
async fn panics_say_nothing_if_so_told() {
    let mut service = due(touchy().probes(calls(1)).on_panic(Verdict::Ignore)).await;
    for _ in 0..20 {
        service.make(End::Panic);
        assert_eq!(service.state(), State::HalfOpen);
    }
    service.make(End::Success);
    service.make_many(20, End::Panic);
    assert_eq!(service.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn panics_are_failures() {
    let layer = CircuitBreakerLayer::new().trip(Trip::consecutive(times(60)));
    let mut service = Scripted::new(layer);
    service.make_many(59, End::Panic);
    assert_eq!(service.state(), State::Closed);
    service.make(End::Panic);
    assert_eq!(service.state(), State::Open);
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_panics_opens_again_and_the_circuit_recovers() {
    let mut service = due(touchy().probes(calls(2))).await;
    service.make(End::Success);
    service.make(End::Panic);
    assert_eq!(service.state(), State::Open);
    service.wait_until_due().await;
    service.make_many(2, End::Success);
    assert_eq!(service.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_panic_before_there_is_a_future_is_a_failure_too() {
    struct PanicsInCall;
    impl Service<()> for PanicsInCall {
        type Response = ();
        type Error = ();
        type Future = Ready<Result<(), ()>>;
        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ()>> {
            Poll::Ready(Ok(()))
        }
        fn call(&mut self, (): ()) -> Self::Future {
            resume_unwind(Box::new("told to panic"))
        }
    }
    let layer = touchy();
    let circuit = layer.handle();
    let mut service = layer.layer(PanicsInCall);
    service.ready().await.unwrap();
    assert!(catch_unwind(AssertUnwindSafe(|| service.call(()))).is_err());
    assert_eq!(circuit.state(), State::Open);
}

#[tokio::test(start_paused = true)]
async fn a_classifier_that_panics_holds_no_probe() {
    let layer = touchy()
        .probes(calls(1))
        .classify(|result: Result<&u32, &()>| match result {
            Ok(0) => resume_unwind(Box::new("told to panic")),
            Ok(_) => Verdict::Success,
            Err(()) => Verdict::Failure,
        });
    let circuit = layer.handle();
    let mut service = layer.layer(service_fn(async |result: Result<u32, ()>| result));
    let _ = service.ready().await.unwrap().call(Err(())).await;
    tokio::time::advance(circuit.retry_after().unwrap()).await;

    let mut probe = tokio_test::task::spawn(service.ready().await.unwrap().call(Ok(0)));
    assert!(catch_unwind(AssertUnwindSafe(|| probe.poll())).is_err());
    drop(probe);
    assert_eq!(circuit.state(), State::HalfOpen);
    service.ready().await.unwrap().call(Ok(1)).await.unwrap();
    assert_eq!(circuit.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_is_polled_ready_and_parked_takes_no_probe() {
    let layer = touchy().probes(calls(1));
    let circuit = layer.handle();
    let mut service = layer.layer(service_fn(async |result: Result<(), ()>| result));
    let _ = service.ready().await.unwrap().call(Err(())).await;
    tokio::time::advance(circuit.retry_after().unwrap()).await;

    let mut parked = service.clone();
    parked.ready().await.unwrap();
    service.ready().await.unwrap().call(Ok(())).await.unwrap();
    assert_eq!(circuit.state(), State::Closed);
}
