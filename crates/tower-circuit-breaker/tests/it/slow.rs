use std::time::Duration;

use tokio::time::advance;
use tower_circuit_breaker::{CircuitBreakerLayer, OnCancel, State, Trip, Window};

use crate::scripted::{End, MS, Scripted, calls, times};

const LIMIT: Duration = Duration::from_secs(2);

/// Opens when 4 of the last 8 calls are slow.
fn layer() -> CircuitBreakerLayer {
    let trip = Trip::slow_rate(LIMIT, 0.5, Window::Calls(calls(8))).expect("a rate");
    CircuitBreakerLayer::new().trip(trip).jitter_seed(1)
}

async fn until_open(service: &mut Scripted, time: Duration, end: End) -> usize {
    for made in 0..20 {
        if service.state() != State::Closed {
            return made;
        }
        service.make_slow(time, end).await;
    }
    20
}

#[tokio::test(start_paused = true)]
async fn slow_calls_open_from_exactly_the_limit_on_however_they_end() {
    for (time, end, made) in [
        (LIMIT, End::Success, 8),
        (LIMIT, End::Failure, 8),
        (LIMIT, End::Throttled, 8),
        (LIMIT - MS, End::Success, 20),
        (LIMIT - MS, End::Failure, 20),
        (LIMIT, End::Ignored, 20),
    ] {
        let mut service = Scripted::new(layer());
        let opened = until_open(&mut service, time, end).await;
        assert_eq!(opened, made, "{time:?} {end:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn quick_calls_between_keep_the_rate_down() {
    let mut service = Scripted::new(layer());
    for _ in 0..20 {
        service.make_slow(LIMIT, End::Success).await;
        service.make_many(2, End::Success);
    }
    assert_eq!(service.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_slow_success_is_no_failure() {
    let trip = Trip::consecutive(times(2)).or_slow_rate(LIMIT, 1.0, Window::Calls(calls(100)));
    let mut service = Scripted::new(CircuitBreakerLayer::new().trip(trip.expect("a rate")));
    for _ in 0..10 {
        service.make(End::Failure);
        service.make_slow(LIMIT, End::Success).await;
    }
    assert_eq!(service.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_slow_probe_opens_again_and_quick_ones_close() {
    let mut service = Scripted::new(layer());
    until_open(&mut service, LIMIT, End::Success).await;
    service.wait_until_due().await;
    service.make_many(2, End::Success);
    service.make_slow(LIMIT, End::Success).await;
    assert_eq!(service.state(), State::Open);

    service.wait_until_due().await;
    for _ in 0..3 {
        service.make_slow(LIMIT - MS, End::Success).await;
    }
    assert_eq!(service.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_call_dropped_after_the_limit_is_a_slow_failure_and_one_dropped_before_is_nothing() {
    for (time, made) in [(LIMIT, 8), (LIMIT - MS, 20)] {
        let mut service = Scripted::new(layer());
        let mut dropped = 0;
        while dropped < 20 && service.state() == State::Closed {
            let call = service.start().unwrap();
            advance(time).await;
            drop(call);
            dropped += 1;
        }
        assert_eq!(dropped, made, "after {time:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_probe_dropped_after_the_limit_opens_again() {
    let mut service = Scripted::new(layer());
    until_open(&mut service, LIMIT, End::Success).await;
    service.wait_until_due().await;
    let probe = service.start().unwrap();
    advance(LIMIT).await;
    drop(probe);
    assert_eq!(service.state(), State::Open);
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_ignores_dropped_calls_ignores_slow_ones() {
    let mut service = Scripted::new(layer().on_cancel(OnCancel::Ignore));
    for _ in 0..20 {
        let call = service.start().unwrap();
        advance(LIMIT).await;
        drop(call);
    }
    assert_eq!(service.state(), State::Closed);
}
