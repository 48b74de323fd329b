//! A breaker around a service whose calls end when and how the test says.

use std::{
    cell::Cell,
    num::{NonZeroU16, NonZeroU32},
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{sync::oneshot, task::unconstrained};
use tokio_test::{assert_ready, assert_ready_ok, task};
use tower::{Layer, Service, ServiceExt};
use tower_circuit_breaker::{
    Cause, CircuitBreaker, CircuitBreakerLayer, Error, Handle, State, Verdict,
};

/// How a call ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Success,
    Failure,
    Throttled,
    Ignored,
    Panic,
}

pub(crate) fn judge(result: Result<&(), &End>) -> Verdict {
    match result {
        Ok(()) => Verdict::Success,
        Err(End::Throttled) => Verdict::Throttled,
        Err(End::Ignored) => Verdict::Ignore,
        Err(_) => Verdict::Failure,
    }
}

type Judge = fn(Result<&(), &End>) -> Verdict;
type Response = Pin<Box<dyn Future<Output = Result<(), Error<End>>>>>;
type Receiver = oneshot::Receiver<End>;

/// Calls end with what comes through the channel that is their request.
pub(crate) struct Upstream {
    started: Rc<Cell<usize>>,
}

impl Service<Receiver> for Upstream {
    type Response = ();
    type Error = End;
    type Future = Pin<Box<dyn Future<Output = Result<(), End>>>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), End>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, end: Receiver) -> Self::Future {
        self.started.set(self.started.get() + 1);
        Box::pin(async {
            // Without the budget of the test's task, which thousands of calls would use up.
            match unconstrained(end).await {
                Ok(End::Success) => Ok(()),
                // Past the panic hook, to keep the output of the tests quiet.
                Ok(End::Panic) => resume_unwind(Box::new("told to panic")),
                Ok(end) => Err(end),
                Err(_) => std::future::pending().await,
            }
        })
    }
}

pub(crate) struct Scripted {
    service: CircuitBreaker<Upstream, Judge>,
    pub(crate) circuit: Handle,
    started: Rc<Cell<usize>>,
    /// Why the last call was refused that was.
    pub(crate) cause: Option<Cause>,
}

/// A call that was admitted and runs.
pub(crate) struct Running {
    end: oneshot::Sender<End>,
    future: task::Spawn<Response>,
}

impl Scripted {
    pub(crate) fn new(layer: CircuitBreakerLayer) -> Self {
        let started = Rc::new(Cell::new(0));
        let layer = layer.classify(judge as Judge);
        Self {
            circuit: layer.handle(),
            service: layer.layer(Upstream {
                started: Rc::clone(&started),
            }),
            started,
            cause: None,
        }
    }

    pub(crate) fn state(&self) -> State {
        self.circuit.state()
    }

    /// How many calls reached the inner service.
    pub(crate) fn started(&self) -> usize {
        self.started.get()
    }

    /// Starts a call; an error says how long to wait.
    pub(crate) fn start(&mut self) -> Result<Running, Duration> {
        assert_ready_ok!(task::spawn(self.service.ready()).poll());
        let (end, receiver) = oneshot::channel();
        let call = self.service.call(receiver);
        let boxed: Response = Box::pin(call);
        let mut future = task::spawn(boxed);
        match future.poll() {
            Poll::Pending => Ok(Running { end, future }),
            Poll::Ready(Err(Error::Open {
                retry_after, cause, ..
            })) => {
                self.cause = Some(cause);
                Err(retry_after)
            }
            Poll::Ready(other) => panic!("ended before it was told to: {other:?}"),
        }
    }

    /// Makes a call that takes so long.
    pub(crate) async fn make_slow(&mut self, time: Duration, end: End) {
        let call = self.start().expect("the call is refused");
        tokio::time::advance(time).await;
        call.end(end);
    }

    /// Makes a call that ends at once.
    pub(crate) fn make(&mut self, end: End) {
        self.start().expect("the call is refused").end(end);
    }

    pub(crate) fn make_many(&mut self, count: usize, end: End) {
        for _ in 0..count {
            self.make(end);
        }
    }

    /// Calls until one is refused, at most `limit` times, and returns how many were not.
    pub(crate) fn failures_until_open(&mut self, limit: usize) -> usize {
        for made in 0..limit {
            if self.state() != State::Closed {
                return made;
            }
            self.make(End::Failure);
        }
        limit
    }

    /// Lets the open time pass.
    pub(crate) async fn wait_until_due(&self) {
        let wait = self.circuit.retry_after().expect("the circuit is closed");
        tokio::time::advance(wait).await;
    }
}

impl Running {
    /// Ends the call and sees that the caller gets the very result.
    pub(crate) fn end(self, end: End) {
        let Self {
            end: sender,
            mut future,
        } = self;
        sender.send(end).expect("the call is gone");
        let result = match catch_unwind(AssertUnwindSafe(|| future.poll())) {
            Err(_) => {
                assert_eq!(end, End::Panic);
                return;
            }
            Ok(poll) => assert_ready!(poll),
        };
        match end {
            End::Success => assert_eq!(result, Ok(())),
            end => assert_eq!(result, Err(Error::Inner(end))),
        }
    }
}

pub(crate) const fn calls(count: u16) -> NonZeroU16 {
    NonZeroU16::new(count).expect("not zero")
}

pub(crate) const fn times(count: u32) -> NonZeroU32 {
    NonZeroU32::new(count).expect("not zero")
}

pub(crate) const MS: Duration = Duration::from_millis(1);

/// Opens on the first failure, for 5 s (jittered) to 120 s, three probes.
pub(crate) fn touchy() -> CircuitBreakerLayer {
    CircuitBreakerLayer::new()
        .trip(tower_circuit_breaker::Trip::consecutive(times(1)))
        .jitter_seed(1)
}

/// A [`touchy`] circuit that is open and due.
pub(crate) async fn due(layer: CircuitBreakerLayer) -> Scripted {
    let mut scripted = Scripted::new(layer);
    scripted.make(End::Failure);
    scripted.wait_until_due().await;
    scripted
}
