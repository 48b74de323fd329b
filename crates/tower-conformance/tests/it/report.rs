//! What the kit says to the author of a layer.

use tower_conformance::{Probe, check};

use crate::subject::stack;

#[tokio::test(start_paused = true)]
async fn a_violation_names_the_law_the_situation_what_was_seen_and_what_to_do() {
    let violations = check(&stack(|inner: Probe<()>| {
        std::mem::forget(inner.clone());
        inner
    }))
    .await
    .unwrap_err();
    let [violation] = violations.iter().collect::<Vec<_>>()[..] else {
        panic!("one law is broken: {violations}");
    };
    let message = violation.to_string();
    assert!(message.contains(violation.law.rule()), "{message}");
    assert!(message.contains("when it is ready"), "{message}");
    assert!(
        message.contains("1 instances of the inner service live on"),
        "{message}"
    );
    assert!(message.contains(violation.law.advice()), "{message}");
    // A test that returns the violations prints their Debug.
    assert_eq!(format!("{violations:?}"), message);
}

#[tokio::test]
#[should_panic(expected = "start_paused = true")]
async fn a_clock_that_runs_is_refused() {
    let _ = check(&stack(|inner| inner)).await;
}
