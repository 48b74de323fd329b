use std::time::Duration;

use tokio::time::advance;
use tower_circuit_breaker::{Cause, State};

use crate::scripted::{End, MS, Scripted, due, touchy};

const RAMP: Duration = Duration::from_secs(10);

async fn ramping() -> Scripted {
    let mut service = due(touchy().ramp(RAMP)).await;
    service.make_many(3, End::Success);
    assert_eq!(service.state(), State::Closed);
    service
}

/// Of a thousand calls made at once.
fn admitted(service: &mut Scripted) -> usize {
    (0..1_000)
        .filter_map(|_| service.start().ok())
        .map(|call| call.end(End::Success))
        .count()
}

#[tokio::test(start_paused = true)]
async fn after_half_open_a_growing_share_passes_until_all_do() {
    let mut service = ramping().await;
    for share in [100, 100, 200, 300, 400, 500, 600, 700, 800, 900, 1_000] {
        let admitted = admitted(&mut service);
        assert!(
            admitted.abs_diff(share) <= 60,
            "{admitted} instead of {share}"
        );
        advance(RAMP / 10).await;
    }
    assert_eq!(service.cause, Some(Cause::Ramp));
    assert_eq!(service.circuit.retry_after(), None);
}

#[tokio::test(start_paused = true)]
async fn the_last_call_is_refused_before_the_end_and_none_after() {
    let mut service = ramping().await;
    advance(RAMP - MS).await;
    let refused = loop {
        match service.start() {
            Err(wait) => break wait,
            Ok(call) => call.end(End::Success),
        }
    };
    assert_eq!(refused, MS);
    advance(MS).await;
    assert_eq!(admitted(&mut service), 1_000);
}

#[tokio::test(start_paused = true)]
async fn a_failure_on_the_ramp_opens_for_longer_and_one_after_it_does_not() {
    let mut early = ramping().await;
    while early.state() == State::Closed {
        if let Ok(call) = early.start() {
            call.end(End::Failure);
        }
    }
    let wait = early.circuit.retry_after().unwrap();
    assert!(wait >= Duration::from_secs(5), "{wait:?}");

    let mut later = ramping().await;
    advance(RAMP).await;
    later.make(End::Success);
    later.make(End::Failure);
    assert!(later.circuit.retry_after().unwrap() <= Duration::from_secs(5));
}

#[tokio::test(start_paused = true)]
async fn results_of_calls_made_on_the_ramp_count_after_it() {
    let mut service = ramping().await;
    let call = loop {
        if let Ok(call) = service.start() {
            break call;
        }
    };
    advance(RAMP).await;
    service.make(End::Success);
    call.end(End::Failure);
    assert_eq!(service.state(), State::Open);
    assert_eq!(service.circuit.late_results(), 0);
}

#[tokio::test(start_paused = true)]
async fn reset_knows_no_ramp() {
    let mut service = due(touchy().ramp(RAMP)).await;
    service.circuit.reset();
    assert_eq!(admitted(&mut service), 1_000);
}
