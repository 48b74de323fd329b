//! Futures of the services.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use pin_project_lite::pin_project;

#[cfg(feature = "http")]
pub use crate::body::BodyAwareFuture;
pub use crate::split::GateFuture;
use crate::{Classify, error::Error, pass::Pass, state::Refusal};

pin_project! {
    /// Response future of [`CircuitBreaker`](crate::CircuitBreaker),
    /// [`KeyedCircuitBreaker`](crate::KeyedCircuitBreaker) and [`Observe`](crate::Observe).
    ///
    /// What it says about the service when it is dropped before its end is told by
    /// [`on_cancel`](crate::CircuitBreakerLayer::on_cancel); if that is nothing, a probe gives its
    /// slot back.
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
            refusal: Refusal,
        },
    }
}

impl<F, C> ResponseFuture<F, C> {
    pub(crate) fn admitted(inner: F, pass: Pass<C>) -> Self {
        Self {
            kind: Kind::Admitted { inner, pass },
        }
    }

    pub(crate) fn refused(refusal: Refusal) -> Self {
        Self {
            kind: Kind::Refused { refusal },
        }
    }
}

impl<F, C, Response, E> Future for ResponseFuture<F, C>
where
    F: Future<Output = Result<Response, E>>,
    C: Classify<Response, E>,
{
    type Output = Result<Response, Error<E>>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().kind.project() {
            KindProj::Admitted { inner, pass } => {
                let result = ready!(pass.watch(|| inner.poll(cx)));
                pass.judge(result.as_ref());
                Poll::Ready(result.map_err(Error::Inner))
            }
            KindProj::Refused { refusal } => Poll::Ready(Err(Error::open(*refusal))),
        }
    }
}
