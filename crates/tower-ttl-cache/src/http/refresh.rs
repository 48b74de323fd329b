use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_service::Service;

use super::{
    body::CacheBody,
    future::ResponseFuture,
    spawn::NoSpawn,
    store::{MemoryStore, Store},
};

pin_project! {
    /// Validates a stored response and reads a new one to its end. Nobody waits for it: see
    /// [`Spawn`](crate::Spawn).
    pub struct Refresh<S, B, ResB, St = MemoryStore>
    where
        S: Service<Request<B>>,
        St: Store,
    {
        #[pin]
        stage: Stage<ResponseFuture<S, B, St, NoSpawn>, CacheBody<ResB, St>>,
    }
}

pin_project! {
    #[project = StageProj]
    enum Stage<F, B> {
        // Polls the response.
        Response { #[pin] future: F },
        // Polls its body, which stores it.
        Body { #[pin] body: B },
    }
}

impl<S, B, ResB, St> Refresh<S, B, ResB, St>
where
    S: Service<Request<B>>,
    St: Store,
{
    pub(crate) const fn new(future: ResponseFuture<S, B, St, NoSpawn>) -> Self {
        Self {
            stage: Stage::Response { future },
        }
    }
}

impl<S, B, ResB, St> Future for Refresh<S, B, ResB, St>
where
    S: Service<Request<B>, Response = Response<ResB>>,
    ResB: Body,
    St: Store,
{
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut stage = self.project().stage;
        loop {
            let body = match stage.as_mut().project() {
                StageProj::Response { future } => match ready!(future.poll(cx)) {
                    Ok(response) => response.into_body(),
                    Err(_) => return Poll::Ready(()),
                },
                StageProj::Body { mut body } => match ready!(body.as_mut().poll_frame(cx)) {
                    Some(Ok(_)) => continue,
                    Some(Err(_)) | None => return Poll::Ready(()),
                },
            };
            if body.is_end_stream() {
                return Poll::Ready(());
            }
            stage.set(Stage::Body { body });
        }
    }
}

impl<S, B, ResB, St> fmt::Debug for Refresh<S, B, ResB, St>
where
    S: Service<Request<B>>,
    St: Store,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refresh").finish_non_exhaustive()
    }
}
