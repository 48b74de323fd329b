use std::sync::Arc;

use crate::{
    Answer, Law, Readiness, Subject, Violation,
    drive::{self, Stopped},
    stage::Stage,
};

/// A service that was dropped gives everything back: ready, on the way to it, or with a future
/// still in flight; when all are gone, so is the inner service.
///
/// # Errors
///
/// [`Law::DroppedService`]
pub async fn dropped_service<S: Subject>(subject: &S) -> Result<(), Violation> {
    ready(subject).await?;
    pending(subject).await?;
    in_flight(subject).await
}

async fn ready<S: Subject>(subject: &S) -> Result<(), Violation> {
    let when = "a service is dropped when it is ready";
    let (stage, mut service) = Stage::set(subject, Law::DroppedService, when).await;
    stage.must_be_ready(&mut service).await?;
    drop(service);
    nothing_is_left(stage).await
}

async fn pending<S: Subject>(subject: &S) -> Result<(), Violation> {
    let when = "a service is dropped while the inner service is not ready";
    let (stage, mut service) = Stage::set(subject, Law::DroppedService, when).await;
    stage.inner.set_readiness(Readiness::Held);
    for _ in 0..2 {
        if let Err(panicked) = stage.poll_ready(&mut service, &Arc::default()) {
            return Err(stage.stopped("poll_ready", &Stopped::Panicked(panicked)));
        }
        drive::settle().await;
    }
    drop(service);
    nothing_is_left(stage).await
}

async fn in_flight<S: Subject>(subject: &S) -> Result<(), Violation> {
    let when = "a service is dropped with a future in flight, which then finishes";
    let (stage, mut service) = Stage::set(subject, Law::DroppedService, when).await;
    stage.must_be_ready(&mut service).await?;
    stage.inner.set_answer(Answer::Held);
    let future = stage.must_call(&mut service)?;
    drop(service);
    drive::settle().await;
    stage.inner.set_answer(Answer::AtOnce);
    stage.must_finish(future).await?;
    nothing_is_left(stage).await
}

async fn nothing_is_left<S: Subject>(stage: Stage<'_, S>) -> Result<(), Violation> {
    stage
        .must_hold(stage.at_rest(), "the service was dropped")
        .await?;
    let (inner, all_gone) = (
        stage.inner.clone(),
        stage.violation("all clones were dropped"),
    );
    drop(stage);
    drive::settle().await;
    match inner.ledger().instances {
        0 => Ok(()),
        left => Err(Violation {
            what: format!(
                "{}, and {left} instances of the inner service live on",
                all_gone.what
            ),
            ..all_gone
        }),
    }
}
