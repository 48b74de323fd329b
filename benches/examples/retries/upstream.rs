use std::{
    future::{Ready, ready},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::Instant;
use tower::Service;

#[derive(Debug, Clone)]
pub(crate) struct Failed;

/// Counts how often it is copied.
#[derive(Debug, Default)]
pub(crate) struct Request(pub(crate) Arc<AtomicUsize>);

impl Clone for Request {
    fn clone(&self) -> Self {
        self.0.fetch_add(1, Relaxed);
        Self(Arc::clone(&self.0))
    }
}

/// Says of an attempt, by its number from 0, whether it fails.
pub(crate) type Fails = fn(usize) -> bool;

#[derive(Debug, Clone)]
pub(crate) struct Upstream {
    began: Instant,
    fails: Fails,
    attempts: Arc<Mutex<Vec<Duration>>>,
}

impl Upstream {
    pub(crate) fn new(fails: Fails) -> Self {
        Self {
            began: Instant::now(),
            fails,
            attempts: Arc::default(),
        }
    }

    /// When each attempt came.
    pub(crate) fn attempts(&self) -> Vec<Duration> {
        let attempts = self.attempts.lock();
        attempts.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Service<Request> for Upstream {
    type Response = ();
    type Error = Failed;
    type Future = Ready<Result<(), Failed>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Failed>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request) -> Self::Future {
        let mut attempts = self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        let fails = (self.fails)(attempts.len());
        attempts.push(self.began.elapsed());
        ready(if fails { Err(Failed) } else { Ok(()) })
    }
}
