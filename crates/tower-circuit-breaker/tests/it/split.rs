//! The two halves around something that waits.

use std::{cell::Cell, rc::Rc, time::Duration};

use tokio::time::{advance, sleep};
use tokio_test::{assert_pending, task};
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};
use tower_circuit_breaker::{
    Admitted, CircuitBreakerLayer, Error, Gate, Handle, State, Trip, Window,
};

use crate::scripted::{MS, calls, times, touchy};

type Ended = Result<(), &'static str>;

/// Waits, then calls; with what the limiter saw of the request.
fn stack(
    layer: &CircuitBreakerLayer,
    wait: Duration,
    started: &Rc<Cell<usize>>,
) -> Gate<impl Service<Admitted<Ended>, Response = (), Error = Error<&'static str>> + Clone> {
    let (gate, observe) = layer.split();
    let started = Rc::clone(started);
    let below = observe.layer(service_fn(move |end: Ended| {
        started.set(started.get() + 1);
        async move { end }
    }));
    gate.layer(service_fn(move |request: Admitted<Ended>| {
        let mut below = below.clone();
        async move {
            assert!(request.is_ok() || request.is_err());
            sleep(wait).await;
            below.ready().await?.call(request).await
        }
    }))
}

fn is_refused<T>(result: &Result<T, Error<Error<&'static str>>>) -> bool {
    matches!(result, Err(Error::Open { .. }))
}

#[tokio::test(start_paused = true)]
async fn waiting_between_the_halves_is_not_slowness() {
    let limit = Duration::from_secs(1);
    let trip = Trip::slow_rate(limit, 0.1, Window::Calls(calls(1))).expect("a rate");
    let layer = CircuitBreakerLayer::new().trip(trip);
    let started = Rc::default();
    let mut service = stack(&layer, 60 * limit, &started);
    for _ in 0..3 {
        service.ready().await.unwrap().call(Ok(())).await.unwrap();
    }
    assert_eq!(layer.handle().state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn the_gate_refuses_what_the_observer_found_out() {
    let (layer, started) = (touchy(), Rc::default());
    let mut service = stack(&layer, MS, &started);
    let failed = service.ready().await.unwrap().call(Err("down")).await;
    assert_eq!(failed, Err(Error::Inner(Error::Inner("down"))));
    assert!(is_refused(
        &service.ready().await.unwrap().call(Ok(())).await
    ));
    assert_eq!(started.get(), 1);
}

#[tokio::test(start_paused = true)]
async fn calls_that_waited_while_the_circuit_opened_are_refused_below() {
    let (layer, started) = (touchy(), Rc::default());
    let mut service = stack(&layer, MS, &started);
    let mut waiting = task::spawn(service.ready().await.unwrap().call(Ok(())));
    assert_pending!(waiting.poll());
    layer.handle().force_open();
    let late = waiting.await;
    assert!(matches!(late, Err(Error::Inner(Error::Open { .. }))));
    assert_eq!(started.get(), 0);
}

#[tokio::test(start_paused = true)]
async fn exactly_as_many_pass_the_gate_as_there_are_probes_and_a_dropped_one_gives_its_slot_back() {
    let (layer, started) = (touchy(), Rc::default());
    let circuit: Handle = layer.handle();
    circuit.force_open();
    advance(circuit.retry_after().unwrap()).await;
    let mut service = stack(&layer, MS, &started);
    let mut probes = Vec::new();
    for _ in 0..64 {
        let mut call = task::spawn(service.ready().await.unwrap().call(Ok(())));
        if call.poll().is_pending() {
            probes.push(call);
        }
    }
    assert_eq!((probes.len(), circuit.rejected()), (3, 61));
    probes.pop();
    let mut last = task::spawn(service.ready().await.unwrap().call(Ok(())));
    assert_pending!(last.poll());
    probes.push(last);
    for probe in probes {
        probe.await.unwrap();
    }
    assert_eq!((started.get(), circuit.state()), (3, State::Closed));
}

#[tokio::test(start_paused = true)]
async fn what_one_gate_let_pass_is_a_call_like_any_other_to_another_circuit() {
    let (gate, _) = touchy().split();
    let other = CircuitBreakerLayer::new().trip(Trip::consecutive(times(1)));
    let (_, observe) = other.split();
    let mut service = ServiceBuilder::new()
        .layer(gate)
        .layer(observe)
        .service(service_fn(async |end: Ended| end));
    let _ = service.ready().await.unwrap().call(Err("down")).await;
    assert_eq!(other.handle().state(), State::Open);
}
