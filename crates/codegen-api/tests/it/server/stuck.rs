use std::{
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use tokio::sync::Notify;

use super::clock::settle;

/// A body that never comes, and tells when somebody waits for it.
#[derive(Default, Clone)]
pub(crate) struct Stuck(Arc<Notify>);

impl Stuck {
    pub(crate) fn body(&self) -> Body {
        Body::new(self.clone())
    }

    pub(crate) async fn is_waited_for(&self) {
        self.0.notified().await;
        // Lets the task that waits set its timers.
        settle().await;
    }
}

impl HttpBody for Stuck {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, Infallible>>> {
        self.0.notify_one();
        Poll::Pending
    }
}
