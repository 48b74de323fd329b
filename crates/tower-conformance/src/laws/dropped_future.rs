use std::{pin::pin, sync::Arc};

use crate::{
    Answer, Control, Law, Readiness, Subject, Violation,
    drive::{self, Stopped},
    stage::Stage,
};

/// A future that was dropped gives everything back, wherever it was; so does one that finished.
///
/// # Errors
///
/// [`Law::DroppedFuture`]
pub async fn dropped_future<S: Subject>(subject: &S) -> Result<(), Violation> {
    finished(subject, "the inner service answers", Answer::AtOnce).await?;
    finished(subject, "the inner service fails", Answer::Fails).await?;
    dropped(
        subject,
        "a future is dropped before its first poll",
        0,
        |_| {},
    )
    .await?;
    dropped(
        subject,
        "a future is dropped while the inner service works",
        2,
        |inner| {
            inner.set_answer(Answer::Held);
        },
    )
    .await?;
    dropped(
        subject,
        "a future is dropped while the inner service is not ready",
        2,
        |inner| {
            inner.set_readiness(Readiness::Held);
        },
    )
    .await?;
    dropped(
        subject,
        "a future is dropped after the inner service failed once",
        1,
        |inner| {
            inner.answer_once(Answer::Fails);
            inner.set_answer(Answer::Held);
        },
    )
    .await
}

async fn finished<S: Subject>(subject: &S, when: &str, answer: Answer) -> Result<(), Violation> {
    let (stage, mut service) = Stage::set(subject, Law::DroppedFuture, when).await;
    stage.must_be_ready(&mut service).await?;
    drive::settle().await;
    let reserved = stage.held().permits;
    let before = stage.inner.ledger().calls;
    stage.inner.set_answer(answer);
    let future = stage.must_call(&mut service)?;
    stage.must_finish(future).await?;
    nothing_is_left(&stage, service, before, reserved, "the future finished").await
}

async fn dropped<S: Subject>(
    subject: &S,
    when: &str,
    polls: usize,
    script: impl FnOnce(&Control),
) -> Result<(), Violation> {
    let (stage, mut service) = Stage::set(subject, Law::DroppedFuture, when).await;
    stage.must_be_ready(&mut service).await?;
    drive::settle().await;
    let reserved = stage.held().permits;
    let before = stage.inner.ledger().calls;
    script(&stage.inner);
    {
        let mut future = pin!(stage.must_call(&mut service)?);
        for _ in 0..polls {
            let poll = drive::poll_once(future.as_mut(), &Arc::default())
                .map_err(|panicked| stage.stopped("the future", &Stopped::Panicked(panicked)))?;
            if poll.is_ready() {
                break;
            }
            drive::settle().await;
        }
    }
    nothing_is_left(&stage, service, before, reserved, "the future was dropped").await
}

async fn nothing_is_left<S: Subject>(
    stage: &Stage<'_, S>,
    service: S::Service,
    calls_before: usize,
    reserved: usize,
    after: &str,
) -> Result<(), Violation> {
    drive::settle().await;
    let mut due = stage.at_rest();
    // A layer that did not call the inner service may keep its readiness for the next call.
    if stage.inner.ledger().calls == calls_before && stage.held().permits == reserved {
        due.permits = reserved;
    }
    stage.must_hold(due, after).await?;
    drop(service);
    stage
        .must_hold(
            stage.at_rest(),
            &format!("{after} and the service was dropped"),
        )
        .await
}
