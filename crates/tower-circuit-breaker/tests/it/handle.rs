use std::time::Duration;

use tokio::time::advance;
use tokio_test::{assert_pending, assert_ready_eq, task};
use tower_circuit_breaker::{Cause, Error, State};

use crate::scripted::{End, Scripted, due, touchy};

#[tokio::test(start_paused = true)]
async fn a_forced_open_circuit_comes_back_by_itself() {
    let mut service = Scripted::new(touchy());
    let late = service.start().unwrap();
    service.circuit.force_open();
    late.end(End::Failure);
    assert!(service.start().is_err());
    assert_eq!(service.cause, Some(Cause::Forced));
    assert_eq!(
        (service.circuit.opened(), service.circuit.late_results()),
        (1, 1)
    );
    service.wait_until_due().await;
    service.make_many(3, End::Success);
    assert_eq!(service.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn an_isolated_circuit_refuses_for_ever_and_a_reset_ends_it() {
    let mut service = Scripted::new(touchy());
    service.circuit.isolate();
    for _ in 0..3 {
        assert_eq!(service.start().err(), Some(Duration::from_secs(120)));
        assert_eq!(service.cause, Some(Cause::Isolated));
        advance(Duration::from_secs(1_000_000)).await;
    }
    assert_eq!(service.state(), State::Isolated);
    service.circuit.reset();
    service.make(End::Success);
}

#[tokio::test(start_paused = true)]
async fn a_disabled_circuit_lets_everything_pass_and_records_nothing() {
    let mut service = due(touchy()).await;
    let probe = service.start().unwrap();
    service.circuit.disable();
    probe.end(End::Failure);
    service.make_many(100, End::Failure);
    service.make(End::Panic);
    let late = service.start().unwrap();
    assert_eq!(service.state(), State::Disabled);
    assert_eq!(service.circuit.late_results(), 1);
    assert_eq!(service.circuit.retry_after(), None);

    service.circuit.reset();
    late.end(End::Failure);
    assert_eq!(service.circuit.late_results(), 2);
    assert_eq!(service.failures_until_open(3), 1);
}

#[tokio::test(start_paused = true)]
async fn a_subscription_tells_every_change_that_is_asked_for_in_time() {
    let mut service = Scripted::new(touchy());
    let mut subscription = service.circuit.subscribe();
    let mut changed = task::spawn(subscription.changed());
    assert_pending!(changed.poll());
    service.make(End::Success);
    assert!(!changed.is_woken());
    service.make(End::Failure);
    assert!(changed.is_woken());
    assert_ready_eq!(changed.poll(), State::Open);
    drop(changed);

    service.wait_until_due().await;
    assert_pending!(task::spawn(subscription.changed()).poll());
    service.make(End::Success);
    assert_eq!(subscription.changed().await, State::HalfOpen);
    service.make_many(2, End::Success);
    service.circuit.isolate();
    assert_eq!(subscription.changed().await, State::Isolated);
    service.circuit.disable();
    service.circuit.isolate();
    assert_pending!(task::spawn(subscription.changed()).poll());
}

#[tokio::test(start_paused = true)]
async fn an_error_says_why() {
    use tower::{Layer, Service, ServiceExt, service_fn};
    let layer = touchy();
    let mut service = layer.layer(service_fn(async |()| Err::<(), _>("down")));
    layer.handle().isolate();
    let refused = service.ready().await.unwrap().call(()).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "circuit is open (isolated), retry after 120s"
    );
    assert!(matches!(
        refused,
        Error::Open {
            cause: Cause::Isolated,
            ..
        }
    ));
}
