use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use crate::{Unavailable, jwt::VerifyingKey};

type Found = Result<Option<Arc<VerifyingKey>>, Unavailable>;

/// The answer of [`RemoteKeys`](super::RemoteKeys). Boxed only when there is a fetch.
///
/// # Panics
///
/// When polled after it has completed.
pub struct RemoteKeysFuture {
    state: State,
}

enum State {
    // Empty once it was told.
    Known(Option<Found>),
    // Polls the fetch, or waits for somebody else's.
    Fetching(Pin<Box<dyn Future<Output = Found> + Send>>),
}

impl RemoteKeysFuture {
    pub(super) const fn known(found: Found) -> Self {
        Self {
            state: State::Known(Some(found)),
        }
    }

    pub(super) fn fetching(fetch: impl Future<Output = Found> + Send + 'static) -> Self {
        Self {
            state: State::Fetching(Box::pin(fetch)),
        }
    }
}

impl Future for RemoteKeysFuture {
    type Output = Found;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Found> {
        match &mut self.state {
            State::Known(found) => match found.take() {
                Some(found) => Poll::Ready(found),
                None => panic!("`RemoteKeysFuture` polled after completion"),
            },
            State::Fetching(fetch) => fetch.as_mut().poll(cx),
        }
    }
}

impl fmt::Debug for RemoteKeysFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteKeysFuture").finish_non_exhaustive()
    }
}
