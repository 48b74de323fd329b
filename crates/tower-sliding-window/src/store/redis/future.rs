use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use crate::{Admission, Denied};

type Decision = Result<Admission, Denied>;

/// The decision of a [`RedisStore`](super::RedisStore).
pub struct RedisAdmit(State);

enum State {
    /// Decided without the server.
    Done(Option<Decision>),
    /// Boxed, because a store's future must be able to move.
    Asking(Pin<Box<dyn Future<Output = Decision> + Send>>),
}

impl RedisAdmit {
    pub(super) const fn done(decision: Decision) -> Self {
        Self(State::Done(Some(decision)))
    }

    pub(super) fn asking(question: impl Future<Output = Decision> + Send + 'static) -> Self {
        Self(State::Asking(Box::pin(question)))
    }
}

impl Future for RedisAdmit {
    type Output = Decision;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Decision> {
        match &mut self.0 {
            State::Done(decision) => decision.take().map_or(Poll::Pending, Poll::Ready),
            State::Asking(question) => question.as_mut().poll(cx),
        }
    }
}

impl fmt::Debug for RedisAdmit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisAdmit").finish_non_exhaustive()
    }
}
