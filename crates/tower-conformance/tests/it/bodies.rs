//! Bodies that are kept pass, and each way of not keeping one is caught.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll, Waker, ready},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use tower_conformance::{Failure, Law, ProbeBody, Violation, laws};

#[tokio::test(start_paused = true)]
async fn a_body_that_is_passed_on_is_kept() -> Result<(), Violation> {
    laws::body_is_kept(async |body| Ok::<_, Infallible>(body)).await
}

#[tokio::test(start_paused = true)]
async fn a_wrapped_body_is_kept() -> Result<(), Violation> {
    laws::body_is_kept(async |body: ProbeBody| Ok::<_, Infallible>(body.map_err(|_| "failed")))
        .await
}

#[tokio::test(start_paused = true)]
async fn a_buffered_body_is_kept() -> Result<(), Violation> {
    laws::body_is_kept(async |body: ProbeBody| {
        let collected = body.collect().await?;
        let trailers = collected.trailers().cloned();
        let whole = match collected.to_bytes() {
            data if data.is_empty() => ProbeBody::new(),
            data => ProbeBody::new().data(data),
        };
        Ok::<_, Failure>(match trailers {
            Some(trailers) => whole.trailers(trailers),
            None => whole,
        })
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn a_layer_that_refuses_whole_bodies_is_caught() {
    let refused = laws::body_is_kept(async |_| Err::<ProbeBody, _>("too large")).await;
    assert_eq!(refused.unwrap_err().law, Law::BodyIsKept);
}

/// Passes a body on, but for one thing.
struct But<F>(ProbeBody, F);

trait Flaw {
    fn poll_frame(
        &mut self,
        body: Pin<&mut ProbeBody>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        body.poll_frame(cx)
    }

    fn is_end_stream(&self, body: &ProbeBody) -> bool {
        body.is_end_stream()
    }

    fn size_hint(&self, body: &ProbeBody) -> SizeHint {
        body.size_hint()
    }
}

impl<F: Flaw + Unpin> Body for But<F> {
    type Data = Bytes;
    type Error = Failure;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        let Self(body, flaw) = &mut *self;
        flaw.poll_frame(Pin::new(body), cx)
    }

    fn is_end_stream(&self) -> bool {
        self.1.is_end_stream(&self.0)
    }

    fn size_hint(&self) -> SizeHint {
        self.1.size_hint(&self.0)
    }
}

/// What the law says to bodies with the flaw.
async fn seen<F: Flaw + Unpin + Clone>(flaw: F) -> String {
    let verdict =
        laws::body_is_kept(async |body| Ok::<_, Infallible>(But(body, flaw.clone()))).await;
    let violation = verdict.expect_err("the flaw is caught");
    assert_eq!(violation.law, Law::BodyIsKept);
    violation.to_string()
}

fn assert_seen(seen: &str, what: &str) {
    assert!(seen.contains(what), "{seen}");
}

#[derive(Clone)]
struct NoSize;

impl Flaw for NoSize {
    fn size_hint(&self, _: &ProbeBody) -> SizeHint {
        SizeHint::default()
    }
}

#[tokio::test(start_paused = true)]
async fn an_exact_size_that_is_lost_is_caught() {
    assert_seen(&seen(NoSize).await, "due: exactly 0");
}

#[derive(Clone)]
struct TotalSize(Option<SizeHint>);

impl Flaw for TotalSize {
    fn poll_frame(
        &mut self,
        body: Pin<&mut ProbeBody>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        self.0.get_or_insert(body.size_hint());
        body.poll_frame(cx)
    }

    fn size_hint(&self, body: &ProbeBody) -> SizeHint {
        self.0.unwrap_or_else(|| body.size_hint())
    }
}

#[tokio::test(start_paused = true)]
async fn a_size_that_does_not_count_down_is_caught() {
    assert_seen(&seen(TotalSize(None)).await, "wrong for the 5 left");
}

#[derive(Clone)]
struct EndsWithItsData;

impl Flaw for EndsWithItsData {
    fn is_end_stream(&self, body: &ProbeBody) -> bool {
        body.remaining_data().is_empty()
    }
}

#[tokio::test(start_paused = true)]
async fn an_end_announced_before_the_trailers_is_caught() {
    assert_seen(&seen(EndsWithItsData).await, "with more to come");
}

#[derive(Clone)]
struct NeverEnds;

impl Flaw for NeverEnds {
    fn is_end_stream(&self, _: &ProbeBody) -> bool {
        false
    }
}

#[tokio::test(start_paused = true)]
async fn an_end_that_is_no_longer_announced_is_caught() {
    assert_seen(&seen(NeverEnds).await, "is_end_stream is false");
}

#[derive(Clone)]
struct DropsTrailers;

impl Flaw for DropsTrailers {
    fn poll_frame(
        &mut self,
        body: Pin<&mut ProbeBody>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        let frame = ready!(body.poll_frame(cx));
        Poll::Ready(frame.filter(|frame| !frame.as_ref().is_ok_and(Frame::is_trailers)))
    }
}

#[tokio::test(start_paused = true)]
async fn trailers_that_are_lost_are_caught() {
    assert_seen(&seen(DropsTrailers).await, "trailers");
}

#[derive(Clone)]
struct HidesErrors;

impl Flaw for HidesErrors {
    fn poll_frame(
        &mut self,
        body: Pin<&mut ProbeBody>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        Poll::Ready(ready!(body.poll_frame(cx)).filter(Result::is_ok))
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_that_is_hidden_is_caught() {
    assert_seen(&seen(HidesErrors).await, "due: an error");
}

#[derive(Clone)]
struct Shouts;

impl Flaw for Shouts {
    fn poll_frame(
        &mut self,
        body: Pin<&mut ProbeBody>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        let frame = ready!(body.poll_frame(cx));
        let shout = |data: Bytes| Bytes::from(data.to_ascii_uppercase());
        Poll::Ready(frame.map(|frame| frame.map(|frame| frame.map_data(shout))))
    }
}

#[tokio::test(start_paused = true)]
async fn bytes_that_are_changed_are_caught() {
    assert_seen(&seen(Shouts).await, "differ from those that went in");
}

#[derive(Clone)]
struct Deaf;

impl Flaw for Deaf {
    fn poll_frame(
        &mut self,
        body: Pin<&mut ProbeBody>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        body.poll_frame(&mut Context::from_waker(Waker::noop()))
    }
}

#[tokio::test(start_paused = true)]
async fn a_pending_body_without_a_waker_is_caught() {
    assert_seen(&seen(Deaf).await, "waker was not woken");
}
