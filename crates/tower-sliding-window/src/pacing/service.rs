use std::{
    error, fmt,
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::Duration,
};

use ::http::{Request, Response};
use tower_service::Service;

use super::{future::PacingFuture, state::State};

/// A client that keeps to what the server says of its quota; made and described by
/// [`ServerPacingLayer`](super::ServerPacingLayer).
///
/// # Clone
///
/// A clone shares what was learned. The inner service must be `Clone` because it is only readied
/// when the call may start, so that who waits holds nothing of it.
#[derive(Debug, Clone)]
pub struct ServerPacing<S> {
    pub(super) inner: S,
    pub(super) max_wait: Duration,
    pub(super) state: Arc<Mutex<State>>,
}

/// Always ready: whether the call may start is asked when its future is first polled.
impl<S, B, C> Service<Request<B>> for ServerPacing<S>
where
    S: Service<Request<B>, Response = Response<C>> + Clone,
{
    type Response = Response<C>;
    type Error = PacingError<S::Error>;
    type Future = PacingFuture<S, Request<B>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let state = Arc::clone(&self.state);
        PacingFuture::new(self.inner.clone(), request, state, self.max_wait)
    }
}

/// Why a call did not reach the server, or failed there.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PacingError<E> {
    /// The server wants no requests for longer than this call may wait.
    Held {
        /// For how long.
        retry_after: Duration,
    },
    /// The inner service failed.
    Inner(E),
}

impl<E> fmt::Display for PacingError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Held { retry_after } => {
                write!(f, "the server wants no requests for {retry_after:?}")
            }
            Self::Inner(_) => f.write_str("the paced service failed"),
        }
    }
}

impl<E: error::Error + 'static> error::Error for PacingError<E> {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Inner(inner) => Some(inner),
            Self::Held { .. } => None,
        }
    }
}
