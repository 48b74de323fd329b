//! What the known breakers do wrong, each as one test. `docs/compare.md` has the same rows for
//! them, and `cargo run -p benches --example breakers` runs those.

use std::{num::NonZeroU16, time::Duration};

use tokio::time::advance;
use tower_circuit_breaker::{CircuitBreakerLayer, OnCancel, State, Trip, Window};

use crate::scripted::{End, MS, Scripted, calls, times};

const OPEN: Duration = Duration::from_millis(60);
const TEN: NonZeroU16 = calls(10);

fn trip(window: Window) -> Trip {
    Trip::failure_rate(0.5, window).expect("a rate")
}

/// Half of ten calls, three probes, open for 60 ms.
fn layer() -> CircuitBreakerLayer {
    CircuitBreakerLayer::new()
        .trip(trip(Window::Calls(TEN)))
        .open_for(OPEN, OPEN)
        .probes(calls(3))
}

async fn half_open_due(layer: CircuitBreakerLayer) -> Scripted {
    let mut service = Scripted::new(layer);
    service.failures_until_open(10);
    service.wait_until_due().await;
    service
}

#[tokio::test(start_paused = true)]
async fn row_1_of_64_callers_at_half_open_three_start() {
    let mut service = half_open_due(layer()).await;
    let before = service.started();
    let _callers: Vec<_> = (0..64).map(|_| service.start()).collect();
    assert_eq!(service.started() - before, 3);
}

#[tokio::test(start_paused = true)]
async fn row_2a_after_20_dropped_probes_the_next_is_admitted() {
    let mut service = half_open_due(layer()).await;
    for _ in 0..20 {
        drop(service.start().expect("a free slot"));
    }
    service.make_many(3, End::Success);
    assert_eq!(service.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn row_2b_60_calls_dropped_by_a_timeout_outside_open_the_circuit() {
    let slow = |trip: Trip| {
        trip.or_slow_rate(OPEN, 1.0, Window::Calls(TEN))
            .expect("a rate")
    };
    for layer in [
        layer().on_cancel(OnCancel::Failure),
        layer().trip(slow(trip(Window::Calls(TEN)))),
    ] {
        let mut service = Scripted::new(layer);
        let mut dropped = 0;
        while dropped < 60 && service.state() == State::Closed {
            let call = service.start().expect("closed");
            advance(OPEN).await;
            drop(call);
            dropped += 1;
        }
        assert_eq!(dropped, 10);
    }
}

#[tokio::test(start_paused = true)]
async fn row_2c_probes_that_never_settle_are_replaced() {
    let mut service = half_open_due(layer().probe_lease(OPEN)).await;
    let _hung: Vec<_> = (0..3).map(|_| service.start().expect("a slot")).collect();
    advance(6 * OPEN).await;
    service.make_many(3, End::Success);
    assert_eq!(service.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn row_3a_60_panics_open_the_circuit() {
    let mut service = Scripted::new(layer());
    let panics = (0..60)
        .take_while(|_| {
            service.state() == State::Closed
                && service.start().map(|call| call.end(End::Panic)).is_ok()
        })
        .count();
    assert_eq!(panics, 10);
}

#[tokio::test(start_paused = true)]
async fn row_3b_a_probe_that_panics_opens_again_and_later_probes_close() {
    let mut service = half_open_due(layer()).await;
    service.make(End::Panic);
    assert_eq!(service.state(), State::Open);
    service.wait_until_due().await;
    service.make_many(3, End::Success);
    assert_eq!(service.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn row_4a_however_many_successes_came_before_half_of_the_window_opens() {
    for (window, rate, successes, failures) in [
        (100, 0.5, 0, 100),
        (100, 0.5, 1_000, 50),
        (100, 0.5, 100_000, 50),
        (64, 0.3, 10_000, 20),
    ] {
        let window = Window::Calls(calls(window));
        let trip = Trip::failure_rate(rate, window)
            .expect("a rate")
            .min_calls(100);
        let mut service = Scripted::new(layer().trip(trip));
        service.make_many(successes, End::Success);
        assert_eq!(
            service.failures_until_open(200_000),
            failures,
            "after {successes}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn row_4b_a_window_of_time_forgets_opens_within_itself_and_may_be_short() {
    for window in [Duration::from_millis(900), Duration::from_secs(1)] {
        let trip = trip(Window::Time(window)).min_calls(10);
        let mut service = Scripted::new(layer().trip(trip));
        service.make_many(9, End::Failure);
        advance(window).await;
        service.make_many(9, End::Failure);
        assert_eq!(service.state(), State::Closed);
        service.make(End::Failure);
        assert_eq!(service.state(), State::Open);
    }
}

#[tokio::test(start_paused = true)]
async fn row_4c_good_probes_two_windows_apart_do_not_wedge_the_circuit() {
    let window = Duration::from_secs(1);
    let trip = trip(Window::Time(window)).min_calls(10);
    let mut service = half_open_due(layer().trip(trip)).await;
    for _ in 0..3 {
        service.make(End::Success);
        advance(2 * window).await;
    }
    assert_eq!(service.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn row_5_slow_successes_open_and_slow_probes_do_not_close() {
    let slow = 10 * MS;
    let trip = Trip::slow_rate(slow, 0.5, Window::Calls(TEN)).expect("a rate");
    let mut service = Scripted::new(layer().trip(trip));
    for _ in 0..10 {
        service.make_slow(slow, End::Success).await;
    }
    assert_eq!(service.state(), State::Open);
    service.wait_until_due().await;
    let probes: Vec<_> = (0..3).map(|_| service.start().expect("a slot")).collect();
    advance(slow).await;
    for probe in probes {
        probe.end(End::Success);
    }
    assert_eq!(service.state(), State::Open);
}

#[tokio::test(start_paused = true)]
async fn row_10_late_results_neither_open_nor_close() {
    for end in [End::Failure, End::Success] {
        let mut service = Scripted::new(layer().trip(Trip::consecutive(times(3))).probes(calls(1)));
        let late = service.start().expect("closed");
        service.make_many(3, End::Failure);
        service.wait_until_due().await;
        let _probe = service.start().expect("a slot");
        late.end(end);
        assert_eq!(service.state(), State::HalfOpen, "{end:?}");
    }
}
