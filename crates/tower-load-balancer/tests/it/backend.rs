use std::{
    fmt,
    future::Future,
    num::NonZeroU16,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use tower::{Service, ServiceExt};
use tower_load_balancer::{Balance, Endpoint, Endpoints, Policy};

/// A backend that answers with its name, after a time, or fails at once.
#[derive(Debug, Clone)]
pub(crate) struct Backend {
    pub(crate) name: u32,
    latency: Arc<Mutex<Duration>>,
    failing: Arc<AtomicBool>,
    unready: Arc<AtomicBool>,
    calls: Arc<AtomicUsize>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Broken(pub(crate) u32);

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "backend {} is broken", self.0)
    }
}

impl std::error::Error for Broken {}

impl Backend {
    pub(crate) fn new(name: u32) -> Self {
        Self {
            name,
            latency: Arc::default(),
            failing: Arc::default(),
            unready: Arc::default(),
            calls: Arc::default(),
        }
    }

    pub(crate) fn set_latency(&self, millis: u64) {
        *self.latency.lock().expect("not poisoned") = Duration::from_millis(millis);
    }

    pub(crate) fn set_failing(&self, failing: bool) {
        self.failing.store(failing, Ordering::Relaxed);
    }

    pub(crate) fn set_unready(&self, unready: bool) {
        self.unready.store(unready, Ordering::Relaxed);
    }

    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }

    pub(crate) fn endpoint(&self) -> Endpoint<u32, Self> {
        Endpoint::new(self.name, self.clone())
    }
}

impl Service<u64> for Backend {
    type Response = u32;
    type Error = Broken;
    type Future = Pin<Box<dyn Future<Output = Result<u32, Broken>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        if self.unready.load(Ordering::Relaxed) {
            return Poll::Ready(Err(Broken(self.name)));
        }
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: u64) -> Self::Future {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let latency = *self.latency.lock().expect("not poisoned");
        let answer = match self.failing.load(Ordering::Relaxed) {
            true => Err(Broken(self.name)),
            false => Ok(self.name),
        };
        Box::pin(async move {
            if !latency.is_zero() {
                tokio::time::sleep(latency).await;
            }
            answer
        })
    }
}

pub(crate) fn backends(number: u32) -> Vec<Backend> {
    (0..number).map(Backend::new).collect()
}

pub(crate) fn set(backends: &[Backend]) -> Endpoints<u32, Backend> {
    backends.iter().map(Backend::endpoint).collect()
}

pub(crate) fn weight(weight: u16) -> NonZeroU16 {
    NonZeroU16::new(weight).expect("a weight")
}

pub(crate) type Plain<P> = Balance<u32, Backend, P>;

/// Sends requests one after the other and says who answered.
pub(crate) async fn answers<P: Policy<u64>>(balance: &mut Plain<P>, requests: u64) -> Vec<u32> {
    let mut answers = Vec::new();
    for request in 0..requests {
        let answer = balance.ready().await.expect("ready").call(request).await;
        answers.push(answer.expect("an answer"));
    }
    answers
}
