use std::{future::Future, time::SystemTime};

use http::HeaderMap;

use crate::{Challenge, Rejection};

/// A way to tell who is calling.
///
/// It works in two steps, so that [`any_of`](crate::any_of) can choose between several by what a
/// request carries, without asking any store.
pub trait Authenticator {
    /// What a request carries; [`Credential`](crate::Credential) for those of one header.
    type Credential;
    /// Who is calling: [`Principal`](crate::Principal), or a type of your own.
    type Principal;
    /// The decision.
    type Future: Future<Output = Result<Verified<Self::Principal>, Rejection>>;

    /// Looks for a credential of its kind.
    ///
    /// # Errors
    ///
    /// When the request can't be meant: a [`Rejection::RepeatedCredential`].
    fn present(&self, headers: &HeaderMap) -> Result<Presented<Self::Credential>, Rejection>;

    /// Decides on a credential that [`present`](Self::present) has found.
    fn verify(&self, credential: Self::Credential, now: SystemTime) -> Self::Future;

    /// Tells how clients can authenticate.
    fn challenges(&self, list: &mut Vec<Challenge>);
}

/// What an [`Authenticator`] finds in a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presented<C> {
    /// Nothing in the place where it looks.
    Nothing,
    /// Something in that place, but not of its kind.
    Foreign,
    /// A credential of its kind, good or not.
    Credential(C),
}

/// A credential that is good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified<P> {
    /// Whose it is.
    pub principal: P,
    /// When it ends, if it does.
    pub expires_at: Option<SystemTime>,
}
