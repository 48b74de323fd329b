//! `WhenOpen::Wait`: not ready while the circuit refuses.

use std::{cell::Cell, rc::Rc, time::Duration};

use tokio::time::{Instant, advance, sleep};
use tokio_test::{assert_pending, assert_ready_ok, task};
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_circuit_breaker::{CircuitBreaker, Error, State, WhenOpen};

use crate::scripted::{MS, calls, touchy};

/// A service that takes 10 ms, and 3 s to come back.
fn restarting() -> impl Service<(), Response = (), Error = &'static str> + Clone {
    let until = Instant::now() + Duration::from_secs(3);
    service_fn(move |()| async move {
        sleep(10 * MS).await;
        if Instant::now() < until {
            Err("down")
        } else {
            Ok(())
        }
    })
}

fn waiting<S>(inner: S) -> (CircuitBreaker<S>, tower_circuit_breaker::Handle) {
    let layer = touchy().probes(calls(1)).when_open(WhenOpen::Wait);
    (layer.layer(inner), layer.handle())
}

#[tokio::test(start_paused = true)]
async fn a_service_is_not_ready_until_exactly_the_open_time_is_over() {
    let (mut service, circuit) = waiting(service_fn(async |end: Result<(), ()>| end));
    let _ = service.ready().await.unwrap().call(Err(())).await;
    let wait = circuit.retry_after().unwrap();
    let mut ready = task::spawn(service.ready());
    assert_pending!(ready.poll());
    advance(wait - MS).await;
    assert_pending!(ready.poll());
    advance(MS).await;
    assert!(ready.is_woken());
    assert_ready_ok!(ready.poll()).call(Ok(())).await.unwrap();
    assert_eq!(circuit.state(), State::Closed);
    assert_eq!(circuit.rejected(), 0);
}

#[tokio::test(start_paused = true)]
async fn sixty_four_waiters_and_one_probe_are_all_served_and_nobody_is_refused() {
    let (service, circuit) = waiting(restarting());
    let mut first = service.clone();
    assert!(first.ready().await.unwrap().call(()).await.is_err());
    let served = Rc::new(Cell::new(0));
    let tasks = tokio::task::LocalSet::new();
    for _ in 0..64 {
        let (mut service, served) = (service.clone(), Rc::clone(&served));
        tasks.spawn_local(async move {
            while let Err(error) = service.ready().await.unwrap().call(()).await {
                assert_eq!(error, Error::Inner("down"));
            }
            served.set(served.get() + 1);
        });
    }
    tasks.await;
    assert_eq!(served.get(), 64);
    assert_eq!(circuit.rejected(), 0);
}

#[tokio::test(start_paused = true)]
async fn waiters_wake_when_the_circuit_closes_or_a_probe_gives_its_slot_back() {
    let (mut service, circuit) = waiting(service_fn(async |end: Result<(), ()>| end));
    let _ = service.ready().await.unwrap().call(Err(())).await;
    let mut other = service.clone();
    let mut waiter = task::spawn(other.ready());
    assert_pending!(waiter.poll());
    circuit.reset();
    assert!(waiter.is_woken());
    assert_ready_ok!(waiter.poll());
    drop(waiter);

    circuit.force_open();
    advance(circuit.retry_after().unwrap()).await;
    let probe = service.ready().await.unwrap().call(Ok(()));
    let mut waiter = task::spawn(other.ready());
    assert_pending!(waiter.poll());
    drop(probe);
    assert!(waiter.is_woken());
    assert_ready_ok!(waiter.poll());
}

#[tokio::test(start_paused = true)]
async fn readiness_is_a_hint_and_the_call_decides() {
    let (mut service, circuit) = waiting(service_fn(async |end: Result<(), ()>| end));
    let mut other = service.clone();
    other.ready().await.unwrap();
    let _ = service.ready().await.unwrap().call(Err(())).await;
    assert!(matches!(other.call(Ok(())).await, Err(Error::Open { .. })));
    assert_eq!(circuit.rejected(), 1);
}
