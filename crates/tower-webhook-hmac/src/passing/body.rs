use std::{
    error, fmt,
    future::Future,
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tokio::time::{Sleep, sleep};

use crate::{Rejection, Verified, Verifier, metrics, policy::Policy};

pin_project! {
    /// A body that is verified as it is read; its end is an error unless the signature is right.
    ///
    /// When the body underneath says with a frame that it was the last, a wrong signature takes
    /// that frame's place: a reader that counts to the announced length is not taken in.
    pub struct PassingBody<B> {
        #[pin]
        body: B,
        // Until the end.
        verifier: Option<Verifier>,
        verification: Verification,
        scheme: String,
        seen: u64,
        max_body: u64,
        patience: Duration,
        // Boxed when it is first needed, so that the body can be moved as the one underneath can.
        deadline: Option<Pin<Box<Sleep>>>,
    }
}

/// Whether a [`PassingBody`] has ended well. Among the extensions of its request.
#[derive(Debug, Clone, Default)]
pub struct Verification {
    verified: Arc<OnceLock<Verified>>,
}

impl Verification {
    /// What is known of the request; `None` until the whole body was read and was right.
    #[must_use]
    pub fn verified(&self) -> Option<&Verified> {
        self.verified.get()
    }
}

impl<B> PassingBody<B> {
    pub(super) fn new(body: B, verifier: Verifier, policy: &Policy) -> Self {
        Self {
            body,
            verifier: Some(verifier),
            verification: Verification::default(),
            scheme: policy.scheme.name().to_owned(),
            seen: 0,
            max_body: policy.max_body,
            patience: policy.body_deadline,
            deadline: None,
        }
    }

    pub(super) fn verification(&self) -> Verification {
        self.verification.clone()
    }
}

impl<B: Body<Data = Bytes>> Body for PassingBody<B> {
    type Data = Bytes;
    type Error = PassingError<B::Error>;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let mut this = self.project();
        let Some(verifier) = this.verifier else {
            return Poll::Ready(None);
        };
        let Poll::Ready(frame) = this.body.as_mut().poll_frame(cx) else {
            let patience = *this.patience;
            let deadline = this
                .deadline
                .get_or_insert_with(|| Box::pin(sleep(patience)));
            ready!(deadline.as_mut().poll(cx));
            *this.verifier = None;
            metrics::refused(this.scheme, Rejection::BodyTooSlow);
            return Poll::Ready(Some(Err(PassingError::Rejected(Rejection::BodyTooSlow))));
        };
        let frame = match frame {
            Some(Ok(frame)) => Some(frame),
            Some(Err(error)) => {
                *this.verifier = None;
                return Poll::Ready(Some(Err(PassingError::Body(error))));
            }
            None => None,
        };
        let data = frame.as_ref().and_then(Frame::data_ref);
        let mut verdict = Ok(());
        if let Some(data) = data {
            *this.seen = this.seen.saturating_add(data.len() as u64);
            if *this.seen > *this.max_body {
                verdict = Err(Rejection::BodyTooLarge {
                    limit: *this.max_body,
                });
            } else {
                verifier.update(data);
            }
        }
        // Trailers are the end too: what came after them would be unseen by the hash.
        let ended = data.is_none() || this.body.is_end_stream();
        if (ended || verdict.is_err())
            && let Some(verifier) = this.verifier.take()
        {
            verdict = verdict.and_then(|()| verifier.finish()).map(|verified| {
                metrics::accepted(&verified);
                // Nobody else sets it.
                let _ = this.verification.verified.set(verified);
            });
        }
        match verdict {
            Ok(()) => Poll::Ready(frame.map(Ok)),
            Err(rejection) => {
                metrics::refused(this.scheme, rejection);
                Poll::Ready(Some(Err(PassingError::Rejected(rejection))))
            }
        }
    }

    /// Only once it is verified: whoever asks must not stop before.
    fn is_end_stream(&self) -> bool {
        self.verifier.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        if self.verifier.is_none() {
            SizeHint::with_exact(0)
        } else {
            self.body.size_hint()
        }
    }
}

impl<B> fmt::Debug for PassingBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PassingBody")
            .field("seen", &self.seen)
            .field("ended", &self.verifier.is_none())
            .finish_non_exhaustive()
    }
}

/// Why a [`PassingBody`] ended before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PassingError<E> {
    /// The webhook is to be refused: [`Rejection::status`] says how.
    Rejected(Rejection),
    /// The body underneath failed.
    Body(E),
}

impl<E> fmt::Display for PassingError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rejected(_) => f.write_str("the webhook's body can't be accepted"),
            Self::Body(_) => f.write_str("the webhook's body broke off"),
        }
    }
}

impl<E: error::Error + 'static> error::Error for PassingError<E> {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Rejected(rejection) => Some(rejection),
            Self::Body(error) => Some(error),
        }
    }
}
