use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::Response;
use http_body::Body;
use pin_project_lite::pin_project;

use super::ResponseBody;
use crate::{Classify, error::Error, pass::Pass, state::Refusal};

pin_project! {
    /// Response future of [`BodyAware`](crate::BodyAware).
    #[derive(Debug)]
    pub struct BodyAwareFuture<F, C> {
        #[pin]
        kind: Kind<F, C>,
    }
}

pin_project! {
    #[project = KindProj]
    #[derive(Debug)]
    enum Kind<F, C> {
        // Polls the inner service. `pass` is gone when the response is.
        Admitted {
            #[pin]
            inner: F,
            pass: Option<Pass<C>>,
        },
        // Ready.
        Refused {
            refusal: Refusal,
        },
    }
}

impl<F, C> BodyAwareFuture<F, C> {
    pub(super) fn admitted(inner: F, pass: Pass<C>) -> Self {
        let pass = Some(pass);
        Self {
            kind: Kind::Admitted { inner, pass },
        }
    }

    pub(super) fn refused(refusal: Refusal) -> Self {
        Self {
            kind: Kind::Refused { refusal },
        }
    }
}

impl<F, C, B, E> Future for BodyAwareFuture<F, C>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body,
    C: Classify<Response<B>, E>,
{
    type Output = Result<Response<ResponseBody<B, C>>, Error<E>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().kind.project() {
            KindProj::Admitted { inner, pass } => {
                let result = match pass {
                    Some(pass) => ready!(pass.watch(|| inner.poll(cx))),
                    None => ready!(inner.poll(cx)),
                };
                let mut pass = pass.take();
                let success = (pass.as_mut()).is_some_and(|pass| pass.judge_head(result.as_ref()));
                Poll::Ready(match result {
                    Ok(response) => Ok(response
                        .map(|body| ResponseBody::new(body, if success { pass } else { None }))),
                    Err(error) => Err(Error::Inner(error)),
                })
            }
            KindProj::Refused { refusal } => Poll::Ready(Err(Error::open(*refusal))),
        }
    }
}
