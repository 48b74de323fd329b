use crate::{Admission, CostAboveLimit, Denied, error::Error};

/// Why a request was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// Its quota is used up.
    Denied(Denied),
    /// It costs more than its quota ever admits.
    CostAboveLimit(CostAboveLimit),
    /// It has no key, and [`OnMissingKey::Reject`](crate::OnMissingKey::Reject) is set.
    MissingKey,
}

/// Writes the response to a refused request.
///
/// Closures `Fn(&Refusal) -> Res` implement it and, with feature `http`, `TooManyRequests`.
pub trait Rejection<Res> {
    /// The response.
    fn reject(&self, refusal: &Refusal) -> Res;

    /// Adds to the response of a request that passed, which is left as it is by default.
    fn admitted(&self, response: &mut Res, admission: &Admission) {
        let _ = (response, admission);
    }
}

impl<F, Res> Rejection<Res> for F
where
    F: Fn(&Refusal) -> Res,
{
    fn reject(&self, refusal: &Refusal) -> Res {
        self(refusal)
    }
}

/// Refuses calls: the mode of a [`RateLimit`](crate::RateLimit) that does not wait. `R` says what
/// a refused call becomes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Reject<R = AsError> {
    pub(crate) refuse: R,
    /// Whether refusals are only counted.
    pub(crate) shadow: bool,
}

/// What a refused call becomes, for a service that answers `Res` or fails with `E`.
pub trait Refuse<Res, E> {
    /// The error of the limited service.
    type Error;

    /// The outcome of a call refused.
    fn refuse(&self, refusal: Refusal) -> Result<Res, Self::Error>;

    /// The outcome of a call the inner service failed.
    fn fail(inner: E) -> Self::Error;

    /// Adds to the response of a call that passed, which is left as it is by default.
    fn admitted(&self, response: &mut Res, admission: &Admission) {
        let _ = (response, admission);
    }
}

/// Refusals are errors, [`Error::Denied`] with the time to retry after. The default, for any
/// service.
#[derive(Debug, Clone, Copy, Default)]
pub struct AsError;

impl<Res, E> Refuse<Res, E> for AsError {
    type Error = Error<E>;

    fn refuse(&self, refusal: Refusal) -> Result<Res, Error<E>> {
        Err(refusal.into())
    }

    fn fail(inner: E) -> Error<E> {
        Error::Inner(inner)
    }
}

/// Refusals are responses, written by a [`Rejection`]; the error type stays the inner service's.
#[derive(Debug, Clone, Copy)]
pub struct AsResponse<R>(pub(crate) R);

impl<Res, E, R: Rejection<Res>> Refuse<Res, E> for AsResponse<R> {
    type Error = E;

    fn refuse(&self, refusal: Refusal) -> Result<Res, E> {
        Ok(self.0.reject(&refusal))
    }

    fn fail(inner: E) -> E {
        inner
    }

    fn admitted(&self, response: &mut Res, admission: &Admission) {
        self.0.admitted(response, admission);
    }
}
