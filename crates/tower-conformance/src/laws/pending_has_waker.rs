use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    sync::Arc,
    task::Poll,
};

use tower_service::Service;

use crate::{
    Answer, Control, Law, Readiness, Subject, Violation,
    drive::{self, Stopped},
    stage::Stage,
};

/// Whoever returns `Pending`, service or future, wakes the waker of the latest poll.
///
/// # Errors
///
/// [`Law::PendingHasWaker`]
pub async fn pending_has_waker<S: Subject>(subject: &S) -> Result<(), Violation> {
    a_call_is_woken(
        subject,
        "the inner service gets ready after a while",
        |inner| {
            inner.set_readiness(Readiness::Held);
        },
    )
    .await?;
    a_call_is_woken(
        subject,
        "the inner service answers after a while",
        |inner| {
            inner.set_answer(Answer::Held);
        },
    )
    .await?;
    the_next_follows_a_service(subject).await?;
    the_next_follows_a_future(subject).await
}

async fn a_call_is_woken<S: Subject>(
    subject: &S,
    when: &str,
    hold: impl Fn(&Control),
) -> Result<(), Violation> {
    let (stage, mut service) = Stage::set(subject, Law::PendingHasWaker, when).await;
    let inner = &stage.inner;

    hold(inner);
    let ready = pin!(poll_fn(|cx| service.poll_ready(cx)));
    match woken_after(ready, || release(inner)).await {
        Ok(Ok(())) => {}
        Ok(Err(_)) => return Err(stage.violation("poll_ready failed")),
        Err(stopped) => return Err(stage.stopped("poll_ready", &stopped)),
    }

    let future = {
        // A layer that has not polled the inner service yet does so in the future.
        hold(inner);
        stage.must_call(&mut service)?
    };
    woken_after(pin!(future), || release(inner))
        .await
        .map(drop)
        .map_err(|stopped| stage.stopped("the future", &stopped))
}

async fn the_next_follows_a_service<S: Subject>(subject: &S) -> Result<(), Violation> {
    let when = "a service waits for what another one holds, which is then dropped";
    let (stage, mut service) = Stage::set(subject, Law::PendingHasWaker, when).await;
    stage.inner.set_capacity(1);
    stage.must_be_ready(&mut service).await?;

    let mut next = stage.witness.clone();
    let ready = pin!(poll_fn(|cx| next.poll_ready(cx)));
    match woken_after(ready, || drop(service)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(stage.violation("poll_ready failed")),
        Err(stopped) => Err(stage.stopped("poll_ready of the one that waits", &stopped)),
    }
}

async fn the_next_follows_a_future<S: Subject>(subject: &S) -> Result<(), Violation> {
    let when = "a call waits for what a future in flight holds, which is then dropped";
    let (stage, mut service) = Stage::set(subject, Law::PendingHasWaker, when).await;
    stage.inner.set_capacity(1);
    stage.inner.set_answer(Answer::Held);
    stage.must_be_ready(&mut service).await?;
    let mut in_flight = Box::pin(stage.must_call(&mut service)?);
    drive::poll_once(in_flight.as_mut(), &Arc::default())
        .map(drop)
        .map_err(|panicked| stage.stopped("the future", &Stopped::Panicked(panicked)))?;
    drop(service);

    let mut next = stage.witness.clone();
    let request = subject.request();
    let call = pin!(async {
        poll_fn(|cx| next.poll_ready(cx)).await?;
        next.call(request).await
    });
    woken_after(call, || {
        drop(in_flight);
        release(&stage.inner);
    })
    .await
    .map(drop)
    .map_err(|stopped| stage.stopped("the call that waits", &stopped))
}

fn release(inner: &Control) {
    inner.set_readiness(Readiness::Ready);
    inner.set_answer(Answer::AtOnce);
}

/// Polls with one waker, then with another, then lets go what `future` waits for: from there on it
/// is polled only when the latest waker was woken.
async fn woken_after<F: Future>(
    mut future: Pin<&mut F>,
    release: impl FnOnce(),
) -> Result<F::Output, Stopped> {
    let (first, latest) = (Arc::default(), Arc::default());
    for bell in [&first, &latest] {
        match drive::poll_once(future.as_mut(), bell).map_err(Stopped::Panicked)? {
            Poll::Ready(output) => return Ok(output),
            Poll::Pending => drive::settle().await,
        }
    }
    release();
    drive::heard(&latest).await?;
    drive::finish_when_woken(future).await
}
