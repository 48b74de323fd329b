use tower_circuit_breaker::{CircuitBreakerLayer, State, Trip, Window};

use crate::scripted::{End, Scripted, calls, times};

fn over(rate: f64, window: u16) -> Trip {
    Trip::failure_rate(rate, Window::Calls(calls(window))).expect("a rate")
}

fn with(trip: Trip) -> Scripted {
    Scripted::new(CircuitBreakerLayer::new().trip(trip))
}

#[tokio::test(start_paused = true)]
async fn a_window_slides_however_many_successes_came_before() {
    for (successes, ideal) in [(0, 100), (1_000, 50), (100_000, 50)] {
        let mut service = with(over(0.5, 100).min_calls(100));
        service.make_many(successes, End::Success);
        assert_eq!(service.failures_until_open(200), ideal, "after {successes}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_full_window_opens_on_the_failure_that_makes_the_rate_rounded_up() {
    for (window, rate, ideal) in [
        (100, 0.07, 7),
        (100, 0.29, 29),
        (100, 0.501, 51),
        (10, 0.1, 1),
        (3, 2.0 / 3.0, 2),
        (7, 1.0, 7),
        (1, 0.01, 1),
        (64, 0.5, 32),
        (65, 0.5, 33),
        (1_000, 0.999, 999),
    ] {
        let mut service = with(over(rate, window).min_calls(1));
        service.make_many(2 * usize::from(window) + 1, End::Success);
        let failures = service.failures_until_open(2_000);
        assert_eq!(failures, ideal, "{rate} of {window}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_left_the_window_is_forgotten() {
    let mut service = with(over(0.5, 4).min_calls(4));
    for _ in 0..50 {
        service.make(End::Failure);
        service.make_many(3, End::Success);
    }
    assert_eq!(service.state(), State::Closed);
    assert_eq!(service.failures_until_open(10), 2);
}

#[tokio::test(start_paused = true)]
async fn the_minimum_of_calls_does_not_depend_on_the_window() {
    for (window, min_calls, ideal) in [(100, 0, 1), (100, 5, 5), (5, 30, 30), (8, 8, 8)] {
        let mut service = with(over(0.5, window).min_calls(min_calls));
        assert_eq!(
            service.failures_until_open(200),
            ideal,
            "{min_calls} of {window}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn the_default_minimum_is_20_calls_or_a_shorter_window() {
    for (window, ideal) in [(100, 20), (10, 10)] {
        assert_eq!(with(over(0.5, window)).failures_until_open(200), ideal);
    }
}

#[tokio::test(start_paused = true)]
async fn failures_in_a_row_open_and_a_success_breaks_the_row() {
    let mut service = with(Trip::consecutive(times(3)));
    for _ in 0..20 {
        service.make_many(2, End::Failure);
        service.make(End::Success);
    }
    assert_eq!(service.failures_until_open(10), 3);
    assert_eq!(service.circuit.opened(), 1);
}

#[tokio::test(start_paused = true)]
async fn either_rule_opens() {
    let trip = over(0.5, 10).or_consecutive(times(3));
    assert_eq!(with(trip).failures_until_open(10), 3);

    let mut mixed = with(trip);
    for _ in 0..4 {
        mixed.make(End::Failure);
        mixed.make(End::Success);
    }
    mixed.make(End::Failure);
    assert_eq!(mixed.state(), State::Closed);
    mixed.make(End::Failure);
    assert_eq!(mixed.state(), State::Open);
}

#[tokio::test(start_paused = true)]
async fn throttled_counts_for_the_rate_and_not_for_the_row() {
    let mut row = with(Trip::consecutive(times(2)));
    row.make(End::Failure);
    row.make_many(50, End::Throttled);
    assert_eq!(row.state(), State::Closed);
    row.make(End::Failure);
    assert_eq!(row.state(), State::Open);

    let mut rate = with(over(0.5, 10));
    rate.make_many(10, End::Throttled);
    assert_eq!(rate.state(), State::Open);
}

#[tokio::test(start_paused = true)]
async fn ignored_results_are_neither_failures_nor_calls() {
    let mut service = with(over(1.0, 10).or_consecutive(times(9)));
    service.make_many(4, End::Failure);
    service.make_many(50, End::Ignored);
    assert_eq!(service.failures_until_open(10), 5);
}

#[tokio::test(start_paused = true)]
async fn the_default_opens_after_five_failures_in_a_row() {
    let mut service = Scripted::new(CircuitBreakerLayer::default());
    assert_eq!(service.failures_until_open(10), 5);
}
