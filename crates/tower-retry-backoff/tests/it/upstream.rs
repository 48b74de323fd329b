//! An inner service that follows a script and insists on being polled before it is called.

use std::{
    collections::VecDeque,
    num::NonZeroU32,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::{Instant, sleep};
use tower::{Service, ServiceExt};
use tower_retry_backoff::Verdict;

/// What went wrong, and what the upstream says about coming back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    Passing,
    Hinted(Duration),
    Lasting,
    NotReady,
}

/// The policy of most tests, as a function.
pub(crate) fn judge<T>(result: Result<&T, &Failure>) -> Verdict {
    match result {
        Ok(_) => Verdict::Done,
        Err(Failure::Passing) => Verdict::retry(),
        Err(Failure::Hinted(hint)) => Verdict::retry_after(*hint),
        Err(Failure::Lasting | Failure::NotReady) => Verdict::Forbid,
    }
}

pub(crate) fn attempts(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap()
}

pub(crate) const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub(crate) const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// Readies and calls `service` once.
pub(crate) async fn send<S, R>(service: &mut S, request: R) -> Result<S::Response, S::Error>
where
    S: Service<R>,
{
    service.ready().await?.call(request).await
}

pub(crate) struct Upstream<R, T> {
    script: Arc<Mutex<Script<R, T>>>,
    ready: bool,
}

struct Script<R, T> {
    began: Instant,
    latency: Duration,
    answers: VecDeque<Result<T, Failure>>,
    calls: Vec<(Duration, R)>,
    polls: usize,
    unreadiness: Option<Failure>,
}

impl<R, T> Upstream<R, T> {
    /// Gives these answers in turn; a call beyond them panics.
    pub(crate) fn new(answers: impl IntoIterator<Item = Result<T, Failure>>) -> Self {
        let script = Script {
            began: Instant::now(),
            latency: Duration::ZERO,
            answers: answers.into_iter().collect(),
            calls: Vec::new(),
            polls: 0,
            unreadiness: None,
        };
        Self {
            script: Arc::new(Mutex::new(script)),
            ready: false,
        }
    }

    /// Takes this long for each answer.
    pub(crate) fn latency(self, latency: Duration) -> Self {
        self.script.lock().unwrap().latency = latency;
        self
    }

    /// From now on fails in `poll_ready`.
    pub(crate) fn stop_being_ready(&self) {
        self.script.lock().unwrap().unreadiness = Some(Failure::NotReady);
    }

    /// When each call came, counted from the making of this upstream.
    pub(crate) fn times(&self) -> Vec<Duration> {
        self.script
            .lock()
            .unwrap()
            .calls
            .iter()
            .map(|(at, _)| *at)
            .collect()
    }

    pub(crate) fn polls(&self) -> usize {
        self.script.lock().unwrap().polls
    }

    /// Instances alive, this one included, and futures.
    pub(crate) fn holders(&self) -> usize {
        Arc::strong_count(&self.script)
    }
}

impl<R: Clone, T> Upstream<R, T> {
    pub(crate) fn requests(&self) -> Vec<R> {
        self.script
            .lock()
            .unwrap()
            .calls
            .iter()
            .map(|(_, request)| request.clone())
            .collect()
    }
}

impl<R, T> Clone for Upstream<R, T> {
    fn clone(&self) -> Self {
        Self {
            script: Arc::clone(&self.script),
            ready: false,
        }
    }
}

impl<R, T> Service<R> for Upstream<R, T>
where
    R: Send + 'static,
    T: Send + 'static,
{
    type Response = T;
    type Error = Failure;
    type Future = Pin<Box<dyn Future<Output = Result<T, Failure>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        let mut script = self.script.lock().unwrap();
        script.polls += 1;
        if let Some(failure) = script.unreadiness {
            return Poll::Ready(Err(failure));
        }
        self.ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: R) -> Self::Future {
        assert!(
            std::mem::take(&mut self.ready),
            "called without being ready"
        );
        let mut script = self.script.lock().unwrap();
        let at = script.began.elapsed();
        script.calls.push((at, request));
        let answer = script.answers.pop_front().unwrap();
        let (latency, alive) = (script.latency, Arc::clone(&self.script));
        Box::pin(async move {
            sleep(latency).await;
            drop(alive);
            answer
        })
    }
}
