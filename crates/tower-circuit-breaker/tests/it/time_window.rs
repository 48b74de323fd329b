use std::time::Duration;

use tokio::time::advance;
use tower_circuit_breaker::{CircuitBreakerLayer, State, Trip, Window};

use crate::scripted::{End, MS, Scripted};

const SECOND: Duration = Duration::from_secs(1);

fn over(rate: f64, window: Duration, min_calls: u32) -> Scripted {
    let trip = Trip::failure_rate(rate, Window::Time(window)).expect("a rate");
    Scripted::new(CircuitBreakerLayer::new().trip(trip.min_calls(min_calls)))
}

#[tokio::test(start_paused = true)]
async fn results_leave_the_window_when_their_tenth_does() {
    for (pause, state) in [
        (10 * SECOND - MS, State::Open),
        (10 * SECOND, State::Closed),
    ] {
        let mut service = over(0.5, 10 * SECOND, 4);
        service.make_many(3, End::Failure);
        advance(pause).await;
        service.make(End::Failure);
        assert_eq!(service.state(), state, "after {pause:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn successes_leave_the_window_too() {
    let mut service = over(0.5, SECOND, 4);
    service.make_many(100_000, End::Success);
    advance(SECOND).await;
    assert_eq!(service.failures_until_open(10), 4);
}

#[tokio::test(start_paused = true)]
async fn a_window_that_is_all_failures_opens_at_the_minimum_within_its_first_tenth() {
    assert_eq!(over(0.5, 30 * SECOND, 20).failures_until_open(100), 20);
}

#[tokio::test(start_paused = true)]
async fn windows_shorter_than_a_second_keep_what_is_recent() {
    let mut service = over(0.5, Duration::from_millis(900), 3);
    for _ in 0..20 {
        service.make_many(2, End::Failure);
        advance(Duration::from_millis(900)).await;
    }
    assert_eq!(service.state(), State::Closed);
    service.make(End::Failure);
    advance(Duration::from_millis(400)).await;
    assert_eq!(service.failures_until_open(10), 2);
}

#[tokio::test(start_paused = true)]
async fn a_window_of_nothing_is_ten_milliseconds_and_an_endless_one_does_not_overflow() {
    let mut short = over(1.0, Duration::ZERO, 2);
    short.make(End::Failure);
    advance(9 * MS).await;
    assert_eq!(short.failures_until_open(3), 1);

    let mut long = over(1.0, Duration::MAX, 2);
    long.make(End::Failure);
    advance(Duration::from_secs(86_400)).await;
    assert_eq!(long.failures_until_open(3), 1);
}

#[tokio::test(start_paused = true)]
async fn probes_two_windows_apart_close_the_circuit() {
    let mut service = over(0.5, SECOND, 1);
    service.make(End::Failure);
    service.wait_until_due().await;
    for _ in 0..3 {
        assert_ne!(service.state(), State::Closed);
        advance(2 * SECOND).await;
        service.make(End::Success);
    }
    assert_eq!(service.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_closed_circuit_remembers_nothing_of_the_window_before() {
    let mut service = over(0.5, 3_600 * SECOND, 5);
    for _ in 0..3 {
        assert_eq!(service.failures_until_open(10), 5);
        service.wait_until_due().await;
        service.make_many(3, End::Success);
        assert_eq!(service.state(), State::Closed);
    }
}
