use crate::semantics::OTHER;

/// Names the errors of the inner service for the label `error.type`.
///
/// Implemented by closures `Fn(&E) -> &'static str`. The name is short and out of a small set, such
/// as `timeout` or `connect`; never the error's message, which would make a series of every error.
pub trait Classify<E> {
    /// The `error.type` of a request that the service answered with this error.
    fn error(&self, error: &E) -> &'static str;
}

impl<E, F> Classify<E> for F
where
    F: Fn(&E) -> &'static str,
{
    fn error(&self, error: &E) -> &'static str {
        self(error)
    }
}

/// Every error is `_OTHER`, the conventions' word for an error without a name: the default.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unclassified;

impl<E> Classify<E> for Unclassified {
    fn error(&self, _: &E) -> &'static str {
        OTHER
    }
}
