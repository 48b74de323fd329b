use std::{pin::pin, sync::Arc, task::Poll};

use crate::{
    Law, Readiness, Subject, Violation,
    drive::{self, Stopped},
    stage::Stage,
};

/// A clone starts unready: it has to reserve for itself what the original has reserved.
///
/// # Errors
///
/// [`Law::CloneStartsUnready`]
pub async fn clone_starts_unready<S: Subject>(subject: &S) -> Result<(), Violation> {
    cloning_changes_nothing(subject).await?;
    if calls_unready_without_clones(subject).await? {
        return Ok(());
    }
    both_reserve(subject).await?;
    readiness_is_not_copied(subject).await
}

/// Whether a service that is no clone of a ready one breaks the first law, which would be taken for
/// this one.
async fn calls_unready_without_clones<S: Subject>(subject: &S) -> Result<bool, Violation> {
    let when = "a service that was never cloned is called";
    let (stage, mut service) = Stage::set(subject, Law::CloneStartsUnready, when).await;
    stage.must_finish_a_call(&mut service).await?;
    stage.inner.set_readiness(Readiness::Held);
    call_if_ready(&stage, &mut service).await?;
    Ok(stage.inner.ledger().unready_calls > 0)
}

async fn cloning_changes_nothing<S: Subject>(subject: &S) -> Result<(), Violation> {
    let when = "a ready service is cloned and the clone is dropped";
    let (stage, mut service) = Stage::set(subject, Law::CloneStartsUnready, when).await;
    stage.must_be_ready(&mut service).await?;
    drive::settle().await;
    let reserved = stage.held();

    let clone = service.clone();
    stage
        .must_hold(reserved, "the ready service was cloned")
        .await?;
    drop(clone);
    stage.must_hold(reserved, "the clone was dropped").await
}

async fn both_reserve<S: Subject>(subject: &S) -> Result<(), Violation> {
    let when = "a ready service is cloned and both are called";
    let (stage, mut service) = Stage::set(subject, Law::CloneStartsUnready, when).await;
    stage.must_be_ready(&mut service).await?;
    drive::settle().await;
    let reserved = stage.held();

    let mut clone = service.clone();
    // Pending is right where the original has the last permit of the layer.
    let clone_is_ready = match stage.poll_ready(&mut clone, &Arc::default()) {
        Ok(ready) => matches!(ready, Poll::Ready(Ok(()))),
        Err(panicked) => {
            return Err(stage.stopped("poll_ready of the clone", &Stopped::Panicked(panicked)));
        }
    };
    if clone_is_ready {
        drive::settle().await;
        let both = stage.held().by_layer;
        if reserved.by_layer > stage.at_rest().by_layer && both <= reserved.by_layer {
            return Err(stage.violation(format!(
                "the layer holds {} for the ready original and {both} once its clone is ready too: \
                 they share what only one has reserved",
                reserved.by_layer
            )));
        }
        let future = stage.must_call(&mut clone)?;
        stage.must_finish(future).await?;
    }
    let future = stage.must_call(&mut service)?;
    stage.must_finish(future).await?;
    no_unready_calls(&stage)
}

async fn readiness_is_not_copied<S: Subject>(subject: &S) -> Result<(), Violation> {
    let when = "a ready service is cloned and the inner service lets no other get ready";
    let (stage, mut service) = Stage::set(subject, Law::CloneStartsUnready, when).await;
    stage.must_be_ready(&mut service).await?;
    stage.inner.set_readiness(Readiness::Held);

    let mut clone = service.clone();
    call_if_ready(&stage, &mut clone).await?;
    no_unready_calls(&stage)
}

/// One poll of `service`, and when that says it is ready, a call and one poll of its future.
///
/// A layer that polls the inner service later may well be ready; its future then waits.
async fn call_if_ready<S: Subject>(
    stage: &Stage<'_, S>,
    service: &mut S::Service,
) -> Result<(), Violation> {
    if let Ok(Poll::Ready(Ok(()))) = stage.poll_ready(service, &Arc::default()) {
        let future = stage.must_call(service)?;
        drive::poll_once(pin!(future), &Arc::default())
            .map(drop)
            .map_err(|panicked| stage.stopped("the future", &Stopped::Panicked(panicked)))?;
        drive::settle().await;
    }
    Ok(())
}

fn no_unready_calls<S: Subject>(stage: &Stage<'_, S>) -> Result<(), Violation> {
    match stage.inner.ledger().unready_calls {
        0 => Ok(()),
        unready => Err(stage.violation(format!(
            "{unready} calls went to an instance of the inner service that was not ready: the \
             clone took the readiness of the original for its own"
        ))),
    }
}
