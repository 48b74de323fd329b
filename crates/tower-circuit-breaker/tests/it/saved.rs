use std::time::{Duration, SystemTime};

use tokio::time::advance;
use tower_circuit_breaker::{Cause, Saved, State};

use crate::scripted::{End, MS, Scripted, due, touchy};

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000 + seconds)
}

#[tokio::test(start_paused = true)]
async fn an_open_circuit_stays_open_for_what_is_left_by_the_wall_clock() {
    let mut old = Scripted::new(touchy());
    old.make(End::Failure);
    let wait = old.circuit.retry_after().unwrap();
    let saved = old.circuit.snapshot(at(0));

    let mut new = Scripted::new(touchy());
    new.circuit.restore(saved, at(1));
    assert_eq!(new.start().err(), Some(wait - Duration::from_secs(1)));
    assert_eq!(new.cause, Some(Cause::Restored));

    new.circuit.restore(saved, at(3_600));
    assert_eq!(new.state(), State::Open);
    assert_eq!(new.circuit.retry_after(), Some(Duration::ZERO));
    new.make_many(3, End::Success);
    assert_eq!(new.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn half_open_is_restored_as_open_and_due_with_its_streak() {
    let mut old = due(touchy()).await;
    old.make(End::Failure);
    old.wait_until_due().await;
    let _probe = old.start().unwrap();
    let saved = old.circuit.snapshot(at(0));

    let mut new = Scripted::new(touchy());
    new.circuit.restore(saved, at(0));
    assert_eq!(new.circuit.retry_after(), Some(Duration::ZERO));
    new.make(End::Failure);
    assert!(new.circuit.retry_after().unwrap() >= Duration::from_secs(10));
}

#[tokio::test(start_paused = true)]
async fn a_wall_clock_that_was_set_back_does_not_lock_the_circuit() {
    let mut old = Scripted::new(touchy());
    old.make(End::Failure);
    let saved = old.circuit.snapshot(at(1_000_000));
    let new = Scripted::new(touchy());
    new.circuit.restore(saved, at(0));
    assert_eq!(new.circuit.retry_after(), Some(Duration::from_secs(120)));
    new.circuit.restore(saved, SystemTime::UNIX_EPOCH);
    assert_eq!(new.circuit.retry_after(), Some(Duration::from_secs(120)));
}

#[tokio::test(start_paused = true)]
async fn the_other_states_are_restored_as_they_were() {
    let old = Scripted::new(touchy());
    let mut new = Scripted::new(touchy());
    for (tell, state) in [
        (
            tower_circuit_breaker::Handle::isolate as fn(&_),
            State::Isolated,
        ),
        (tower_circuit_breaker::Handle::disable, State::Disabled),
        (tower_circuit_breaker::Handle::reset, State::Closed),
    ] {
        tell(&old.circuit);
        new.circuit.restore(old.circuit.snapshot(at(0)), at(9));
        assert_eq!(new.state(), state);
    }
    advance(MS).await;
    assert_eq!(new.failures_until_open(3), 1);
}

#[cfg(feature = "serde")]
#[tokio::test(start_paused = true)]
async fn a_snapshot_is_written_and_read_as_the_documentation_shows() {
    let mut open = Scripted::new(touchy());
    open.make(End::Failure);
    advance(open.circuit.retry_after().unwrap()).await;
    let saved = open.circuit.snapshot(at(0));
    let text = serde_json::to_string(&saved).unwrap();
    assert_eq!(text, r#"{"state":"open","until":1700000000000,"streak":0}"#);
    assert_eq!(serde_json::from_str::<Saved>(&text).unwrap(), saved);
    let closed: Saved = serde_json::from_str(r#"{"state":"closed"}"#).unwrap();
    assert_eq!(closed, Saved::Closed);
    let huge = r#"{"state":"open","until":18446744073709551615,"streak":255}"#;
    open.circuit
        .restore(serde_json::from_str(huge).unwrap(), at(0));
    assert_eq!(open.circuit.retry_after(), Some(Duration::from_secs(120)));
}

#[cfg(not(feature = "serde"))]
#[test]
fn a_snapshot_can_be_compared() {
    assert_ne!(Saved::Closed, Saved::Isolated);
}
