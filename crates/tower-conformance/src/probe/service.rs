use std::{
    fmt, mem,
    sync::Arc,
    task::{Context, Poll},
};

use tower_service::Service;

use super::{
    Answer, Control, Failure, ResponseFuture,
    shared::{InFlight, Instance, Permit, Reservation, Shared, panic_as_told},
};

/// An inner service that keeps books on how it is treated and does what its [`Control`] says.
///
/// It takes requests of any type, drops them and answers with what the closure it was made of
/// returns. It behaves like the strictest service a layer may meet:
///
/// - Readiness is a permit that one instance holds; a clone has none.
/// - `call` moves the permit into the future, where it stays until the future is dropped.
/// - A call without readiness is written down in [`Ledger::unready_calls`] and then answered like
///   any other.
/// - The future is not `Unpin`.
///
/// [`Ledger::unready_calls`]: crate::Ledger::unready_calls
pub struct Probe<Res> {
    instance: Instance,
    state: State,
    respond: Arc<dyn Fn() -> Res + Send + Sync>,
}

#[derive(Debug)]
enum State {
    /// Not ready, after this many polls since the last call.
    Unready(usize),
    Ready(Permit),
    Failed,
}

impl<Res> Probe<Res> {
    /// A probe that answers with what `respond` returns, and the handle that steers it.
    pub fn new(respond: impl Fn() -> Res + Send + Sync + 'static) -> (Self, Control) {
        let shared = Shared::new();
        let control = Control::new(Arc::clone(&shared));
        let probe = Self {
            instance: Instance::new(shared),
            state: State::Unready(0),
            respond: Arc::new(respond),
        };
        (probe, control)
    }
}

impl<Res, Req> Service<Req> for Probe<Res> {
    type Response = Res;
    type Error = Failure;
    type Future = ResponseFuture<Res>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        let polls = match &mut self.state {
            State::Ready(_) => return Poll::Ready(Ok(())),
            State::Failed => return Poll::Ready(Err(Failure)),
            State::Unready(polls) => {
                *polls += 1;
                *polls
            }
        };
        let Instance { shared, id } = &self.instance;
        match shared.reserve(*id, polls, cx.waker()) {
            Reservation::Waits => Poll::Pending,
            Reservation::Panics => panic_as_told(),
            Reservation::Granted(permit) => {
                self.state = State::Ready(permit);
                Poll::Ready(Ok(()))
            }
            Reservation::Failed => {
                self.state = State::Failed;
                Poll::Ready(Err(Failure))
            }
        }
    }

    fn call(&mut self, _: Req) -> ResponseFuture<Res> {
        let shared = &self.instance.shared;
        let permit = match mem::replace(&mut self.state, State::Unready(0)) {
            State::Ready(permit) => permit,
            State::Unready(_) | State::Failed => shared.count_unready_call(),
        };
        let (own, common) = shared.count_call();
        if own.unwrap_or(common) == Answer::PanicsInCall {
            panic_as_told();
        }
        let in_flight = InFlight::new(Arc::clone(shared));
        ResponseFuture::new(in_flight, permit, own, Arc::clone(&self.respond))
    }
}

/// A clone starts unready, whatever the state of the original.
impl<Res> Clone for Probe<Res> {
    fn clone(&self) -> Self {
        Self {
            instance: Instance::new(Arc::clone(&self.instance.shared)),
            state: State::Unready(0),
            respond: Arc::clone(&self.respond),
        }
    }
}

impl<Res> fmt::Debug for Probe<Res> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Probe")
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}
