use std::pin::pin;

use crate::{
    Answer, Control, Law, Readiness, Subject, Violation,
    drive::{self, Stopped},
    stage::Stage,
};

/// A panic of the inner service leaks nothing, and later calls through other clones still work.
///
/// The panics are made without the panic hook, so a test that passes prints nothing.
///
/// # Errors
///
/// [`Law::InnerPanic`]
pub async fn inner_panic<S: Subject>(subject: &S) -> Result<(), Violation> {
    panics(subject, "the inner service panics in poll_ready", |inner| {
        inner.set_readiness(Readiness::Panics);
    })
    .await?;
    panics(subject, "the inner service panics in call", |inner| {
        inner.set_answer(Answer::PanicsInCall);
    })
    .await?;
    panics(subject, "the future of the inner service panics", |inner| {
        inner.set_answer(Answer::PanicsInPoll);
    })
    .await
}

async fn panics<S: Subject>(
    subject: &S,
    when: &str,
    script: impl FnOnce(&Control),
) -> Result<(), Violation> {
    let (stage, service) = Stage::set(subject, Law::InnerPanic, when).await;
    script(&stage.inner);
    // Whether the layer lets the panic through or answers in its place is its own affair.
    if let Err(stopped) = until_it_panics(&stage, service).await {
        return Err(stage.stopped("the layer", &stopped));
    }
    stage
        .must_hold(stage.at_rest(), "the inner service panicked")
        .await?;

    stage.inner.set_readiness(Readiness::Ready);
    stage.inner.set_answer(Answer::AtOnce);
    let mut other = stage.witness.clone();
    stage
        .must_finish_a_call(&mut other)
        .await
        .map_err(|broken| Violation {
            what: format!("in the next call through a clone: {}", broken.what),
            ..broken
        })
}

/// One call, up to its end or to the panic of the inner service, after which all that took part in
/// it is dropped.
async fn until_it_panics<S: Subject>(
    stage: &Stage<'_, S>,
    mut service: S::Service,
) -> Result<(), Stopped> {
    match stage.ready(&mut service).await {
        Ok(true) => {}
        Ok(false) => return Ok(()),
        Err(stopped) => return forgive(stopped),
    }
    let future = match stage.call(&mut service) {
        Ok(future) => future,
        Err(panicked) => return forgive(Stopped::Panicked(panicked)),
    };
    match drive::finish(pin!(future)).await {
        Ok(_) => Ok(()),
        Err(stopped) => forgive(stopped),
    }
}

fn forgive(stopped: Stopped) -> Result<(), Stopped> {
    match stopped {
        Stopped::Panicked(panicked) if panicked.scripted => Ok(()),
        other => Err(other),
    }
}
