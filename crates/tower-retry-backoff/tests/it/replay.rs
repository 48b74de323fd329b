use std::{
    collections::VecDeque,
    convert::Infallible,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Full};
use proptest::prelude::*;
use tower::{Layer, service_fn};
use tower_retry_backoff::{
    Backoff, Retried, RetryLayer, Stop, Verdict,
    http::{HttpPolicy, ReplayBody, ReplayError, Replaying},
};

use crate::upstream::{ms, send};

/// Gives its frames one by one, of unknown number; `Err` ends it.
struct Stream {
    frames: VecDeque<Result<Frame<Bytes>, &'static str>>,
    read: Arc<Mutex<usize>>,
}

impl Stream {
    fn new(chunks: &[&'static str]) -> Self {
        let frames = chunks
            .iter()
            .map(|chunk| Ok(Frame::data(Bytes::from(*chunk))));
        Self {
            frames: frames.collect(),
            read: Arc::default(),
        }
    }

    fn then(mut self, frame: Result<Frame<Bytes>, &'static str>) -> Self {
        self.frames.push_back(frame);
        self
    }
}

impl Body for Stream {
    type Data = Bytes;
    type Error = &'static str;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, &'static str>>> {
        *self.read.lock().unwrap() += 1;
        Poll::Ready(self.frames.pop_front())
    }
}

fn trailers() -> HeaderMap {
    let mut trailers = HeaderMap::new();
    trailers.insert("checksum", "7".parse().unwrap());
    trailers
}

type Upload = Request<ReplayBody<Stream>>;

fn put(stream: Stream, limit: usize) -> Upload {
    let body = ReplayBody::new(stream, limit);
    Request::builder().method(Method::PUT).body(body).unwrap()
}

/// What one attempt read, as text; trailers are `+`, an error `!`.
async fn read(body: &mut ReplayBody<Stream>, frames: usize) -> String {
    let mut text = String::new();
    for _ in 0..frames {
        match body.frame().await {
            None => text.push('.'),
            Some(Err(_)) => text.push('!'),
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) => text.push_str(std::str::from_utf8(&data).unwrap()),
                Err(_) => text.push('+'),
            },
        }
    }
    text
}

/// Sends a request to an upstream that reads so many frames in each attempt and answers 503, the
/// last time 200. What it read, and how the call went.
async fn attempts(request: Upload, frames: &[usize]) -> (Vec<String>, Response<()>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let plan = Arc::new(Mutex::new(frames.iter().copied().collect::<VecDeque<_>>()));
    let upstream = {
        let seen = Arc::clone(&seen);
        service_fn(move |mut request: Upload| {
            let (seen, plan) = (Arc::clone(&seen), Arc::clone(&plan));
            async move {
                let frames = plan.lock().unwrap().pop_front().unwrap();
                let text = read(request.body_mut(), frames).await;
                seen.lock().unwrap().push(text);
                let status = if plan.lock().unwrap().is_empty() {
                    200
                } else {
                    503
                };
                Ok(Response::builder().status(status).body(()).unwrap())
            }
        })
    };
    let policy = Replaying::new(HttpPolicy::new(|_: &Infallible| Verdict::Forbid));
    let layer = RetryLayer::new(policy).backoff(Backoff::fixed(ms(0)));
    let response = send(&mut layer.layer(upstream), request).await.unwrap();
    let seen = seen.lock().unwrap().clone();
    (seen, response)
}

#[tokio::test(start_paused = true)]
async fn every_attempt_reads_the_whole_body() {
    let stream = Stream::new(&["ab", "cd", "e"]).then(Ok(Frame::trailers(trailers())));
    let (seen, response) = attempts(put(stream, 5), &[6, 6, 6]).await;
    assert_eq!(seen, ["abcde+..", "abcde+..", "abcde+.."]);
    assert_eq!(response.status(), 200);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_was_answered_early_is_continued_by_the_next() {
    let stream = Stream::new(&["ab", "cd", "e"]).then(Ok(Frame::trailers(trailers())));
    let (seen, _) = attempts(put(stream, 5), &[1, 0, 6]).await;
    assert_eq!(seen, ["ab", "", "abcde+.."]);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_read_ahead() {
    let stream = Stream::new(&["ab", "cd", "e"]);
    let read = Arc::clone(&stream.read);
    let (seen, _) = attempts(put(stream, 5), &[2, 1]).await;
    assert_eq!(seen, ["abcd", "ab"]);
    assert_eq!(*read.lock().unwrap(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_body_over_its_limit_is_sent_once_and_the_result_returned() {
    for (limit, made) in [(5, 2), (4, 1), (0, 1)] {
        let stream = Stream::new(&["ab", "cd", "e"]).then(Ok(Frame::trailers(trailers())));
        let (seen, response) = attempts(put(stream, limit), &[6, 6]).await;
        assert_eq!(seen, vec!["abcde+.."; made], "{limit}");
        let retried = response.extensions().get::<Retried>().unwrap();
        let why = (made == 1).then_some(Stop::Request);
        assert_eq!(retried.stopped(), why);
        assert_eq!(response.status(), if made == 1 { 503 } else { 200 });
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_failed_is_not_sent_again() {
    let stream = Stream::new(&["ab"]).then(Err("reset"));
    let (seen, response) = attempts(put(stream, 5), &[2, 2]).await;
    assert_eq!(seen, ["ab!"]);
    assert_eq!(response.status(), 503);
}

#[tokio::test(start_paused = true)]
async fn a_body_known_to_be_over_its_limit_is_not_kept_at_all() {
    let sent = service_fn(async |request: Request<ReplayBody<Full<Bytes>>>| {
        let replayable = request.body().is_replayable();
        let clone = request.body().clone();
        drop(clone);
        let read = request.into_body().collect().await.unwrap().to_bytes();
        let status = if read.is_empty() { 500 } else { 503 };
        assert!(replayable);
        Ok::<_, Infallible>(Response::builder().status(status).body(()).unwrap())
    });
    let policy = Replaying::new(HttpPolicy::new(|_: &Infallible| Verdict::Forbid));
    let layer = RetryLayer::new(policy);
    let stats = layer.stats();
    let body = ReplayBody::new(Full::from("abc"), 2);
    let request = Request::builder().method(Method::PUT).body(body).unwrap();
    let response = send(&mut layer.layer(sent), request).await.unwrap();

    assert_eq!(response.status(), 503);
    assert_eq!((stats.retries(), stats.gave_up()), (0, 0));
}

#[tokio::test]
async fn a_clone_that_begins_takes_over() {
    let mut first = ReplayBody::new(Stream::new(&["a", "b", "c"]), 9);
    let (mut second, third) = (first.clone(), first.clone());
    assert_eq!(read(&mut first, 2).await, "ab");
    assert_eq!(read(&mut second, 1).await, "a");
    let error = first.frame().await.unwrap().unwrap_err();
    assert_eq!(error, ReplayError::Superseded);
    assert_eq!(read(&mut second, 3).await, "bc.");
    drop((first, second));
    assert_eq!(read(&mut { third }, 4).await, "abc.");
}

#[tokio::test]
async fn a_clone_of_a_body_that_was_not_kept_says_so() {
    let mut only = ReplayBody::new(Stream::new(&["a", "b"]), 9);
    assert_eq!(read(&mut only, 1).await, "a");
    assert!(!only.is_replayable());
    let mut late = only.clone();
    assert_eq!(late.frame().await.unwrap().unwrap_err(), ReplayError::Lost);
    assert_eq!(read(&mut only, 2).await, "b.");
}

#[tokio::test]
async fn size_and_end_are_those_of_what_is_left_to_read() {
    let mut body = ReplayBody::new(Full::<Bytes>::from("abc"), 9);
    let again = body.clone();
    assert_eq!(
        (body.size_hint().exact(), body.is_end_stream()),
        (Some(3), false)
    );
    body.frame().await.unwrap().unwrap();
    assert_eq!(
        (body.size_hint().exact(), body.is_end_stream()),
        (Some(0), true)
    );
    assert_eq!(
        (again.size_hint().exact(), again.is_end_stream()),
        (Some(3), false)
    );
    assert!(body.frame().await.is_none());
    assert_eq!(
        (again.size_hint().exact(), again.is_end_stream()),
        (Some(3), false)
    );

    let mut streamed = ReplayBody::new(
        Stream::new(&["abc"]).then(Ok(Frame::trailers(trailers()))),
        9,
    );
    let again = streamed.clone();
    assert_eq!(read(&mut streamed, 2).await, "abc+");
    assert!(streamed.is_end_stream() && !again.is_end_stream());
    assert_eq!(again.size_hint().exact(), Some(3));
    assert_eq!(
        ReplayBody::new(Stream::new(&[]), 0).size_hint().upper(),
        SizeHint::new().upper()
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn attempts_read_a_beginning_of_the_body_or_it_is_the_last(
        chunks in prop::collection::vec(prop::sample::select(vec!["a", "bc", "def", ""]), 0..6),
        limit in 0usize..12,
        plan in prop::collection::vec(0usize..8, 3),
    ) {
        let whole = chunks.concat();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()?;
        let (seen, _) = runtime.block_on(attempts(put(Stream::new(&chunks), limit), &plan));
        for (seen, frames) in seen.iter().zip(&plan) {
            let expected = chunks.iter().take(*frames).copied().collect::<String>();
            prop_assert_eq!(seen.trim_end_matches('.'), expected);
        }
        prop_assert!(seen.len() == plan.len() || whole.len() > limit);
    }
}
