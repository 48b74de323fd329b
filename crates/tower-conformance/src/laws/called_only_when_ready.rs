use crate::{Answer, Control, Law, Readiness, Subject, Violation, stage::Stage};

const CALLS: usize = 3;

/// The inner service is called only on an instance that has said that it is ready.
///
/// Seen while the inner service is ready at once, after a while or never, and while it answers,
/// fails once (so that a layer that retries does) or always.
///
/// # Errors
///
/// [`Law::CalledOnlyWhenReady`], also when no request reached the inner service at all.
pub async fn called_only_when_ready<S: Subject>(subject: &S) -> Result<(), Violation> {
    let calls = observe(subject, "the inner service answers", |_| {}).await?;
    if S::REACHES_INNER && calls == 0 {
        return Err(Violation::new(
            Law::CalledOnlyWhenReady,
            "the inner service answers",
            format!(
                "none of {CALLS} requests reached the inner service, so the checks show nothing; \
                 if that is meant, set Subject::REACHES_INNER to false"
            ),
        ));
    }
    observe(
        subject,
        "the inner service is ready at the third poll",
        |inner| {
            inner.set_readiness(Readiness::PendingTimes(2));
        },
    )
    .await?;
    observe(subject, "the inner service fails once", |inner| {
        inner.answer_once(Answer::Fails);
    })
    .await?;
    observe(subject, "the inner service fails every call", |inner| {
        inner.set_answer(Answer::Fails);
    })
    .await?;
    observe(
        subject,
        "the readiness of the inner service fails",
        |inner| {
            inner.set_readiness(Readiness::Fails);
        },
    )
    .await?;
    Ok(())
}

/// How many calls reached the inner service.
async fn observe<S: Subject>(
    subject: &S,
    when: &str,
    script: impl FnOnce(&Control),
) -> Result<usize, Violation> {
    let (stage, mut service) = Stage::set(subject, Law::CalledOnlyWhenReady, when).await;
    let before = stage.inner.ledger().calls;
    script(&stage.inner);
    for _ in 0..CALLS {
        match stage.ready(&mut service).await {
            Ok(true) => {}
            // Final for this instance; whether it may fail at all is not the question here.
            Ok(false) => break,
            Err(stopped) => return Err(stage.stopped("poll_ready", &stopped)),
        }
        let future = stage.must_call(&mut service)?;
        stage.must_finish(future).await?;
    }
    let ledger = stage.inner.ledger();
    if ledger.unready_calls > 0 {
        return Err(stage.violation(format!(
            "{} of {} calls went to an instance of the inner service that was not ready",
            ledger.unready_calls,
            ledger.calls - before
        )));
    }
    Ok(ledger.calls - before)
}
