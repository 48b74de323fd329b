use std::{sync::Arc, task::Poll};

use crate::{Law, Readiness, Subject, Violation, drive, stage::Stage};

/// Few enough for the cooperative budget of a task, which would turn a poll into `Pending`.
const POLLS: usize = 32;

/// `poll_ready` may be repeated; once ready, a service stays ready and reserves nothing more.
///
/// # Errors
///
/// [`Law::RepeatedPollReady`]
pub async fn repeated_poll_ready<S: Subject>(subject: &S) -> Result<(), Violation> {
    after_ready(subject).await?;
    while_pending(subject).await
}

async fn after_ready<S: Subject>(subject: &S) -> Result<(), Violation> {
    let when = "poll_ready is repeated after it returned Ready";
    let (stage, mut service) = Stage::set(subject, Law::RepeatedPollReady, when).await;
    stage.must_be_ready(&mut service).await?;
    drive::settle().await;
    let reserved = stage.held();

    let bell = Arc::default();
    for poll in 2..=POLLS {
        let seen = match stage.poll_ready(&mut service, &bell) {
            Ok(Poll::Ready(Ok(()))) => continue,
            Ok(Poll::Ready(Err(_))) => "failed".to_owned(),
            Ok(Poll::Pending) => "returned Pending".to_owned(),
            Err(panicked) => drive::Stopped::Panicked(panicked).to_string(),
        };
        return Err(stage.violation(format!("poll {poll} {seen}; due: Ready, until call")));
    }
    stage
        .must_hold(reserved, &format!("ready and polled {POLLS} times"))
        .await?;
    let future = stage.must_call(&mut service)?;
    stage.must_finish(future).await
}

async fn while_pending<S: Subject>(subject: &S) -> Result<(), Violation> {
    let when = "poll_ready is repeated while it returns Pending";
    let (stage, mut service) = Stage::set(subject, Law::RepeatedPollReady, when).await;
    stage.must_be_ready(&mut service).await?;
    drive::settle().await;
    let reserved = stage.held();
    drop(service);

    let (stage, mut service) = Stage::set(subject, Law::RepeatedPollReady, when).await;
    stage.inner.set_readiness(Readiness::Held);
    let bell = Arc::default();
    for _ in 0..POLLS {
        if let Err(panicked) = stage.poll_ready(&mut service, &bell) {
            return Err(stage.stopped("poll_ready", &drive::Stopped::Panicked(panicked)));
        }
    }
    stage.inner.set_readiness(Readiness::Ready);
    stage.must_be_ready(&mut service).await?;
    stage
        .must_hold(
            reserved,
            &format!("pending, polled {POLLS} times and then ready"),
        )
        .await
}
