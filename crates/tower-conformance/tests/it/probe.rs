//! The probe does what its control says.

use tokio_test::{assert_pending, assert_ready, assert_ready_err, assert_ready_ok, task};
use tower_conformance::{Answer, Failure, Probe, Readiness};
use tower_service::Service;

fn ready(probe: &mut Probe<u8>) -> std::task::Poll<Result<(), Failure>> {
    task::spawn(()).enter(|cx, _| Service::<()>::poll_ready(probe, cx))
}

#[test]
fn a_clone_of_a_ready_probe_is_not_ready() {
    let (mut probe, control) = Probe::new(|| 7);
    assert_ready_ok!(ready(&mut probe));
    control.set_readiness(Readiness::Held);
    assert_pending!(ready(&mut probe.clone()));
    assert_ready_ok!(ready(&mut probe));
}

#[test]
fn a_call_without_readiness_is_written_down_and_answered() {
    let (mut probe, control) = Probe::new(|| 7);
    let mut future = task::spawn(probe.call(()));
    assert_eq!(assert_ready_ok!(future.poll()), 7);
    assert_eq!(control.ledger().unready_calls, 1);
    assert_eq!(control.ledger().permits, 1);
    drop(future);
    assert_eq!(control.ledger().permits, 0);
}

#[test]
fn the_last_permit_goes_from_one_to_the_next() {
    let (mut probe, control) = Probe::new(|| 7);
    control.set_capacity(1);
    let mut other = probe.clone();
    assert_ready_ok!(ready(&mut probe));

    let mut next = task::spawn(());
    let poll = next.enter(|cx, _| Service::<()>::poll_ready(&mut other, cx));
    assert_pending!(poll);
    let future = probe.call(());
    assert!(!next.is_woken(), "the future holds the permit");
    drop(future);
    assert!(next.is_woken());
    assert_ready_ok!(ready(&mut other));
}

#[test]
fn readiness_comes_after_as_many_polls_as_told_and_again_after_each_call() {
    let (mut probe, control) = Probe::new(|| 7);
    control.set_readiness(Readiness::PendingTimes(2));
    for _ in 0..2 {
        assert_pending!(ready(&mut probe));
        assert_pending!(ready(&mut probe));
        assert_ready_ok!(ready(&mut probe));
        drop(probe.call(()));
    }
}

#[test]
fn failed_readiness_is_final() {
    let (mut probe, control) = Probe::new(|| 7);
    control.set_readiness(Readiness::Fails);
    assert_eq!(assert_ready_err!(ready(&mut probe)), Failure);
    control.set_readiness(Readiness::Ready);
    assert_eq!(assert_ready_err!(ready(&mut probe)), Failure);
    assert_ready_ok!(ready(&mut probe.clone()));
}

#[test]
fn answers_for_single_calls_come_first_and_in_order() {
    let (mut probe, control) = Probe::new(|| 7);
    control.answer_once(Answer::Fails);
    control.answer_once(Answer::AtOnce);
    control.set_answer(Answer::Held);
    let mut calls = [(); 3].map(|()| {
        assert_ready_ok!(ready(&mut probe));
        task::spawn(probe.call(()))
    });
    assert_ready_err!(calls[0].poll());
    assert_ready_ok!(calls[1].poll());
    assert_pending!(calls[2].poll());
    control.set_answer(Answer::AtOnce);
    assert!(calls[2].is_woken());
    assert_ready_ok!(calls[2].poll());
}

#[test]
#[should_panic(expected = "polled after it had finished")]
fn a_finished_future_is_not_polled_again() {
    let (mut probe, _control) = Probe::new(|| 7);
    assert_ready_ok!(ready(&mut probe));
    let mut future = task::spawn(probe.call(()));
    assert_ready!(future.poll()).unwrap();
    let _ = future.poll();
}
