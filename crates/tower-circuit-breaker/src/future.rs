//! Future of [`CircuitBreaker`](crate::CircuitBreaker).

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use pin_project_lite::pin_project;

use crate::{Classify, error::Error, pass::Pass};

pin_project! {
    /// Response future of [`CircuitBreaker`](crate::CircuitBreaker).
    ///
    /// Dropped before its end, it says nothing about the service and a probe gives its slot back.
    #[derive(Debug)]
    pub struct ResponseFuture<F, C> {
        #[pin]
        kind: Kind<F, C>,
    }
}

pin_project! {
    #[project = KindProj]
    #[derive(Debug)]
    enum Kind<F, C> {
        // Polls the inner service. Its future comes first, so that it is gone when the slot of a
        // dropped probe is free.
        Admitted {
            #[pin]
            inner: F,
            pass: Pass<C>,
        },
        // Ready.
        Refused {
            retry_after: Duration,
        },
    }
}

impl<F, C> ResponseFuture<F, C> {
    pub(crate) fn admitted(inner: F, pass: Pass<C>) -> Self {
        Self {
            kind: Kind::Admitted { inner, pass },
        }
    }

    pub(crate) fn refused(retry_after: Duration) -> Self {
        Self {
            kind: Kind::Refused { retry_after },
        }
    }
}

impl<F, C, Response, E> Future for ResponseFuture<F, C>
where
    F: Future<Output = Result<Response, E>>,
    C: Classify<Response, E>,
{
    type Output = Result<Response, Error<E>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().kind.project() {
            KindProj::Admitted { inner, pass } => {
                let result = ready!(pass.or_failure(|| inner.poll(cx)));
                pass.judge(result.as_ref());
                Poll::Ready(result.map_err(Error::Inner))
            }
            KindProj::Refused { retry_after } => Poll::Ready(Err(Error::Open {
                retry_after: *retry_after,
            })),
        }
    }
}
