use std::time::Duration;

use tokio::time::advance;
use tower_circuit_breaker::{State, Trip, Window};

use crate::scripted::{End, MS, Scripted, calls, due, times, touchy};

const LEASE: Duration = Duration::from_secs(30);

#[tokio::test(start_paused = true)]
async fn of_64_callers_exactly_as_many_start_as_there_are_probes() {
    for probes in [1_u16, 3, 10, 64] {
        let mut service = due(touchy().probes(calls(probes))).await;
        let before = service.started();
        let callers: Vec<_> = (0..64).map(|_| service.start()).collect();
        let admitted = callers.iter().filter(|caller| caller.is_ok()).count();
        assert_eq!(admitted, usize::from(probes));
        assert_eq!(service.started() - before, admitted);
        assert_eq!(service.circuit.rejected(), 64 - u64::from(probes));
    }
}

#[tokio::test(start_paused = true)]
async fn the_most_probes_there_can_be_are_counted_exactly() {
    let mut service = due(touchy().probes(calls(u16::MAX))).await;
    service.make_many(usize::from(u16::MAX) - 1, End::Success);
    let last = service.start().unwrap();
    assert!(service.start().is_err());
    assert_eq!(service.state(), State::HalfOpen);
    last.end(End::Success);
    assert_eq!(service.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn all_probes_must_succeed_to_close() {
    let mut service = due(touchy()).await;
    let [first, second, third] = [(); 3].map(|()| service.start().unwrap());
    first.end(End::Success);
    third.end(End::Success);
    assert_eq!(service.state(), State::HalfOpen);
    assert!(service.start().is_err());
    second.end(End::Success);
    assert_eq!(service.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn one_failed_or_throttled_probe_opens_again() {
    for end in [End::Failure, End::Throttled] {
        let mut service = due(touchy()).await;
        service.make_many(2, End::Success);
        service.make(end);
        assert_eq!(service.state(), State::Open);
        assert_eq!(service.circuit.opened(), 2);
        assert!(service.start().is_err());
    }
}

#[tokio::test(start_paused = true)]
async fn a_closed_circuit_remembers_nothing_of_the_time_before() {
    let trip = Trip::failure_rate(0.5, Window::Calls(calls(10))).unwrap();
    let mut service = Scripted::new(touchy().trip(trip.or_consecutive(times(9))));
    for _ in 0..3 {
        assert_eq!(service.failures_until_open(20), 9);
        service.wait_until_due().await;
        service.make_many(3, End::Success);
        assert_eq!(service.state(), State::Closed);
    }
}

#[tokio::test(start_paused = true)]
async fn a_dropped_or_ignored_probe_gives_its_slot_back() {
    let mut service = due(touchy().probes(calls(1))).await;
    for _ in 0..20 {
        let probe = service.start().unwrap();
        assert!(service.start().is_err());
        drop(probe);
        service.make(End::Ignored);
        assert_eq!(service.state(), State::HalfOpen);
    }
    service.make(End::Success);
    assert_eq!(service.state(), State::Closed);
    assert_eq!(service.circuit.late_results(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_hangs_is_replaced_exactly_at_the_end_of_its_lease() {
    let mut service = due(touchy().probes(calls(1))).await;
    let hung = service.start().unwrap();
    // The base open time is shorter than what is left of the lease.
    assert_eq!(service.start().err(), Some(Duration::from_secs(5)));
    advance(LEASE - MS).await;
    assert_eq!(service.start().err(), Some(MS));
    advance(MS).await;
    let replacement = service.start().unwrap();
    assert!(service.start().is_err());

    hung.end(End::Failure);
    assert_eq!(service.state(), State::HalfOpen);
    assert_eq!(service.circuit.late_results(), 1);
    replacement.end(End::Success);
    assert_eq!(service.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_is_never_dropped_does_not_wedge_the_circuit() {
    let mut service = due(touchy().probes(calls(2)).probe_lease(LEASE)).await;
    for _ in 0..50 {
        std::mem::forget(service.start().unwrap());
        std::mem::forget(service.start().unwrap());
        assert!(service.start().is_err());
        advance(LEASE).await;
    }
    service.make_many(2, End::Success);
    assert_eq!(service.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn replaced_probes_leave_those_that_passed_counted() {
    let mut service = due(touchy()).await;
    service.make_many(2, End::Success);
    let hung = service.start().unwrap();
    advance(LEASE).await;
    service.make(End::Success);
    assert_eq!(service.state(), State::Closed);
    drop(hung);
    assert_eq!(service.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn probes_far_apart_close_the_circuit() {
    let mut service = due(touchy()).await;
    for _ in 0..3 {
        assert_ne!(service.state(), State::Closed);
        advance(LEASE * 100).await;
        service.make(End::Success);
    }
    assert_eq!(service.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_lease_of_nothing_is_a_millisecond_and_an_endless_one_does_not_overflow() {
    let mut short = due(touchy().probes(calls(1)).probe_lease(Duration::ZERO)).await;
    let _hung = short.start().unwrap();
    assert_eq!(short.start().err(), Some(MS));
    advance(MS).await;
    short.make(End::Success);

    let mut long = due(touchy().probes(calls(1)).probe_lease(Duration::MAX)).await;
    let _hung = long.start().unwrap();
    advance(LEASE * 1_000_000).await;
    assert_eq!(long.start().err(), Some(Duration::from_secs(5)));
}
