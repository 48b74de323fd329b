use std::{
    fmt,
    future::poll_fn,
    pin::{Pin, pin},
};

use bytes::{BufMut, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body::{Body, Frame};

use crate::{
    Law, ProbeBody, Violation,
    drive::{self, Stopped},
};

/// A body that passes through the layer keeps its bytes, its trailers, its `size_hint` and its
/// `is_end_stream`.
///
/// `pass` sends the body it is given through a fresh stack and returns what comes out on the other
/// side: the body of the response for a layer that sees responses, the body that the inner service
/// got for a layer that sees requests. An error says that the layer refused the whole message,
/// which is right only for a body that fails.
///
/// The bytes may be cut into other frames. A size that was exact stays exact, bounds are never
/// wrong, the end is never announced while something is left, and a body that announced its end
/// still does.
///
/// ```
/// use tower_conformance::{ProbeBody, Violation, laws};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Violation> {
/// laws::body_is_kept(async |body: ProbeBody| {
///     // Here: wrap the body as the layer does, or send it through the layer.
///     Ok::<_, std::convert::Infallible>(body)
/// })
/// .await
/// # }
/// ```
///
/// # Errors
///
/// [`Law::BodyIsKept`]
pub async fn body_is_kept<B, E>(
    mut pass: impl AsyncFnMut(ProbeBody) -> Result<B, E>,
) -> Result<(), Violation>
where
    B: Body,
    E: fmt::Display,
{
    drive::ask_for_a_paused_clock();
    for (when, body) in bodies() {
        let passed = drive::finish(pin!(pass(body.clone()))).await;
        let verdict = match passed {
            Ok(Ok(passed)) => compare(&body, pin!(passed)).await,
            Ok(Err(_)) if body.is_failing() => Ok(()),
            Ok(Err(error)) => Err(format!("the layer refused it: {error}")),
            Err(stopped) => Err(format!("the layer {stopped}")),
        };
        verdict.map_err(|what| Violation::new(Law::BodyIsKept, when, what))?;
    }
    Ok(())
}

fn bodies() -> Vec<(&'static str, ProbeBody)> {
    let trailers = HeaderMap::from_iter([(
        HeaderName::from_static("x-checksum"),
        HeaderValue::from_static("11"),
    )]);
    let hello = ProbeBody::new().data("hello ").pending().data("world");
    vec![
        ("an empty body", ProbeBody::new()),
        ("a body of known size", hello.clone()),
        ("a body of unknown size", hello.clone().without_size()),
        (
            "an empty body of unknown size",
            ProbeBody::new().without_size(),
        ),
        (
            "a body with an empty frame",
            ProbeBody::new().data("").data("x"),
        ),
        (
            "a body of known size with trailers",
            hello.clone().trailers(trailers.clone()),
        ),
        (
            "a body of unknown size with trailers",
            hello
                .clone()
                .pending()
                .trailers(trailers.clone())
                .without_size(),
        ),
        (
            "a body of nothing but trailers",
            ProbeBody::new().trailers(trailers),
        ),
        ("a body that fails", hello.clone().fails()),
        (
            "a body of unknown size that fails",
            hello.pending().fails().without_size(),
        ),
    ]
}

/// What `passed` yields and says of itself, held against `body`, which is what went in.
async fn compare<B: Body>(body: &ProbeBody, mut passed: Pin<&mut B>) -> Result<(), String> {
    let mut got = BytesMut::new();
    let mut trailers = None;
    loop {
        says_what_is_left(body, passed.as_ref(), &got, trailers.as_ref())?;
        match next_frame(passed.as_mut()).await? {
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) => got.put(data),
                Err(frame) => trailers = frame.into_trailers().ok(),
            },
            Some(Err(_)) if body.is_failing() => return Ok(()),
            Some(Err(_)) => return Err(format!("it failed after {} bytes", got.len())),
            None => break,
        }
    }
    if got != body.remaining_data() {
        return Err(format!(
            "the bytes that came out differ from those that went in: {:?}; due: {:?}",
            got.freeze(),
            body.remaining_data()
        ));
    }
    if body.is_failing() {
        return Err("it ended as if it were whole; due: an error".to_owned());
    }
    if trailers.as_ref() != body.remaining_trailers() {
        return Err(format!(
            "the trailers that came out differ from those that went in: {trailers:?}; due: {:?}",
            body.remaining_trailers()
        ));
    }
    Ok(())
}

/// `size_hint` and `is_end_stream` of `passed`, of which `got` and `trailers` are out already.
fn says_what_is_left<B: Body>(
    body: &ProbeBody,
    passed: Pin<&B>,
    got: &[u8],
    trailers: Option<&HeaderMap>,
) -> Result<(), String> {
    let out = got.len();
    let left = body.remaining_data().len().saturating_sub(out) as u64;
    let hint = passed.size_hint();
    if hint.lower() > left || hint.upper().is_some_and(|upper| upper < left) {
        return Err(format!(
            "after {out} bytes size_hint is {hint:?}, wrong for the {left} left"
        ));
    }
    let exact = body.size_hint().exact().is_some();
    if exact && hint.exact().is_none() {
        return Err(format!(
            "after {out} bytes size_hint is {hint:?}; due: exactly {left}"
        ));
    }
    let whole = left == 0 && trailers == body.remaining_trailers() && !body.is_failing();
    match passed.is_end_stream() {
        true if !whole => Err(format!(
            "after {out} bytes is_end_stream is true with more to come"
        )),
        false if whole && exact => Err(format!(
            "after {out} bytes, which is all, is_end_stream is false; due: true, as of the body \
             that went in"
        )),
        _ => Ok(()),
    }
}

async fn next_frame<B: Body>(
    mut body: Pin<&mut B>,
) -> Result<Option<Result<Frame<B::Data>, B::Error>>, String> {
    drive::finish_when_woken(pin!(poll_fn(|cx| body.as_mut().poll_frame(cx))))
        .await
        .map_err(|stopped: Stopped| format!("poll_frame {stopped}"))
}
