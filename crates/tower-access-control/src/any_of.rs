use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::SystemTime,
};

use http::HeaderMap;
use pin_project_lite::pin_project;

use crate::{Authenticator, Challenge, Presented, Rejection, Verified};

/// Authenticates by either of two kinds of credentials; nest it for more.
///
/// The kind is decided by what the request carries, and then the other has no say: a key that is
/// refused isn't tried as a token. A request with both kinds is refused
/// ([`Rejection::RepeatedCredential`]), since others on the way may believe the other one.
pub const fn any_of<A, B>(first: A, second: B) -> AnyOf<A, B> {
    AnyOf { first, second }
}

/// See [`any_of`].
#[derive(Debug, Clone, Copy)]
pub struct AnyOf<A, B> {
    first: A,
    second: B,
}

/// A credential of the one kind or the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Either<A, B> {
    /// For the first authenticator.
    First(A),
    /// For the second.
    Second(B),
}

impl<A, B> Authenticator for AnyOf<A, B>
where
    A: Authenticator,
    B: Authenticator<Principal = A::Principal>,
{
    type Credential = Either<A::Credential, B::Credential>;
    type Principal = A::Principal;
    type Future = AnyOfFuture<A::Future, B::Future>;

    fn present(&self, headers: &HeaderMap) -> Result<Presented<Self::Credential>, Rejection> {
        use Presented::{Credential, Foreign, Nothing};
        Ok(
            match (self.first.present(headers)?, self.second.present(headers)?) {
                (Credential(_), Credential(_)) => return Err(Rejection::RepeatedCredential),
                (Credential(first), _) => Credential(Either::First(first)),
                (_, Credential(second)) => Credential(Either::Second(second)),
                (Nothing, Nothing) => Nothing,
                (Foreign, _) | (_, Foreign) => Foreign,
            },
        )
    }

    fn verify(&self, credential: Self::Credential, now: SystemTime) -> Self::Future {
        let chosen = match credential {
            Either::First(credential) => Chosen::First {
                future: self.first.verify(credential, now),
            },
            Either::Second(credential) => Chosen::Second {
                future: self.second.verify(credential, now),
            },
        };
        AnyOfFuture { chosen }
    }

    fn challenges(&self, list: &mut Vec<Challenge>) {
        self.first.challenges(list);
        self.second.challenges(list);
    }
}

pin_project! {
    /// The decision of an [`AnyOf`].
    #[derive(Debug)]
    pub struct AnyOfFuture<A, B> {
        #[pin]
        chosen: Chosen<A, B>,
    }
}

pin_project! {
    #[project = ChosenProj]
    #[derive(Debug)]
    enum Chosen<A, B> {
        // Polls the first authenticator's decision.
        First { #[pin] future: A },
        // Polls the second one's.
        Second { #[pin] future: B },
    }
}

impl<A, B, P> Future for AnyOfFuture<A, B>
where
    A: Future<Output = Result<Verified<P>, Rejection>>,
    B: Future<Output = Result<Verified<P>, Rejection>>,
{
    type Output = Result<Verified<P>, Rejection>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().chosen.project() {
            ChosenProj::First { future } => future.poll(cx),
            ChosenProj::Second { future } => future.poll(cx),
        }
    }
}
