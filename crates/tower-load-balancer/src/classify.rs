use std::time::Duration;

/// What an answer says about the endpoint that gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The endpoint works. It may well have refused what the caller asked for.
    Success,
    /// The endpoint failed.
    Failure,
    /// The endpoint failed, and says for how long it will: it gets no requests for that time, within
    /// the bounds of the [`Ejection`](crate::Ejection) rule.
    Unavailable(Duration),
}

/// Says what an answer means for the endpoint. Closures over a `Result` of references do, too.
pub trait Classify<Response, Error> {
    /// The meaning of this answer.
    fn classify(&self, result: Result<&Response, &Error>) -> Verdict;
}

impl<F, Response, Error> Classify<Response, Error> for F
where
    F: Fn(Result<&Response, &Error>) -> Verdict,
{
    fn classify(&self, result: Result<&Response, &Error>) -> Verdict {
        self(result)
    }
}

/// Every error is a failure, every response a success.
#[derive(Debug, Clone, Copy, Default)]
pub struct FailOnError;

impl<Response, Error> Classify<Response, Error> for FailOnError {
    fn classify(&self, result: Result<&Response, &Error>) -> Verdict {
        match result {
            Ok(_) => Verdict::Success,
            Err(_) => Verdict::Failure,
        }
    }
}
