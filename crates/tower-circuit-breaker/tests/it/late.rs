use tower_circuit_breaker::State;

use crate::scripted::{End, Scripted, calls, due, touchy};

#[tokio::test(start_paused = true)]
async fn results_of_the_closed_state_change_nothing_in_half_open() {
    for end in [End::Failure, End::Success, End::Throttled, End::Panic] {
        let mut service = Scripted::new(touchy().probes(calls(1)));
        let late = service.start().unwrap();
        service.make(End::Failure);
        service.wait_until_due().await;
        let probe = service.start().unwrap();

        late.end(end);
        assert_eq!(service.state(), State::HalfOpen, "{end:?}");
        assert_eq!(service.circuit.late_results(), 1);
        assert!(service.start().is_err());
        probe.end(End::Success);
        assert_eq!(service.state(), State::Closed);
    }
}

#[tokio::test(start_paused = true)]
async fn results_of_one_closed_state_change_nothing_in_the_next() {
    let mut service = Scripted::new(touchy());
    let late = service.start().unwrap();
    service.make(End::Failure);
    service.wait_until_due().await;
    service.make_many(3, End::Success);
    late.end(End::Failure);
    assert_eq!(service.state(), State::Closed);
    assert_eq!(service.circuit.late_results(), 1);
}

#[tokio::test(start_paused = true)]
async fn results_of_one_half_open_state_change_nothing_in_the_next() {
    for end in [End::Failure, End::Success] {
        let mut service = due(touchy().probes(calls(2))).await;
        let late = service.start().unwrap();
        service.make(End::Failure);
        service.wait_until_due().await;
        service.make(End::Success);
        late.end(end);
        assert_eq!(service.state(), State::HalfOpen, "{end:?}");
        service.make(End::Success);
        assert_eq!(service.state(), State::Closed);
    }
}

#[tokio::test(start_paused = true)]
async fn results_that_come_while_open_do_not_lengthen_it() {
    let mut service = Scripted::new(touchy());
    let late = service.start().unwrap();
    service.make(End::Failure);
    let wait = service.circuit.retry_after();
    late.end(End::Failure);
    assert_eq!(service.circuit.retry_after(), wait);
    assert_eq!(service.circuit.opened(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_late_call_that_is_dropped_gives_no_slot_and_is_no_result() {
    let mut service = due(touchy().probes(calls(1))).await;
    let late = service.start().unwrap();
    service.circuit.reset();
    service.make(End::Failure);
    service.wait_until_due().await;
    let _probe = service.start().unwrap();
    drop(late);
    assert!(service.start().is_err());
    assert_eq!(service.circuit.late_results(), 0);
}
