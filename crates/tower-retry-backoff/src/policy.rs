use std::{num::NonZeroU32, time::Duration};

use tokio::time::Instant;

use crate::{Retried, Upcoming};

/// Which requests may be repeated, and which results are worth it.
///
/// A closure `Fn(Result<&Res, &E>) -> Verdict` is a policy under which every request may be
/// repeated. For HTTP see `http::HttpPolicy`.
pub trait Policy<Req, Res, E> {
    /// What is remembered of a request while its attempts run; keep it small.
    type Tag;

    /// Looks at a request before its first attempt. `None`: it must not be repeated, and is passed
    /// on as it is, without a copy.
    fn tag(&self, request: &Req) -> Option<Self::Tag>;

    /// Judges the result of one attempt.
    fn verdict(&self, tag: &Self::Tag, result: Result<&Res, &E>) -> Verdict;

    /// When the caller stops waiting for a tagged request; none unless overridden. The deadline of
    /// the layer applies as well: the earlier one counts.
    fn deadline(&self, tag: &Self::Tag) -> Option<Instant> {
        let _ = tag;
        None
    }

    /// Whether a request can still be sent again, after an attempt with a clone of it; it can unless
    /// overridden. With `false` the result of that attempt is returned.
    fn repeatable(&self, tag: &Self::Tag, request: &Req) -> bool {
        let _ = (tag, request);
        true
    }

    /// Takes note of a retry before its delay is slept. Does nothing unless overridden.
    fn upcoming(&self, tag: &mut Self::Tag, request: &Req, upcoming: Upcoming) {
        let _ = (tag, request, upcoming);
    }

    /// Marks a tagged request just before an attempt, counted from 1, is made with it. Does nothing
    /// unless overridden.
    fn prepare(&self, tag: &Self::Tag, request: &mut Req, attempt: u32) {
        let _ = (tag, request, attempt);
    }

    /// Marks the result of a tagged request just before it is returned. Does nothing unless
    /// overridden.
    fn finish(&self, tag: &Self::Tag, result: &mut Result<Res, E>, retried: Retried) {
        let _ = (tag, result, retried);
    }
}

impl<F, Req, Res, E> Policy<Req, Res, E> for F
where
    F: Fn(Result<&Res, &E>) -> Verdict,
{
    type Tag = ();

    fn tag(&self, _request: &Req) -> Option<()> {
        Some(())
    }

    fn verdict(&self, (): &(), result: Result<&Res, &E>) -> Verdict {
        self(result)
    }
}

/// What a [`Policy`] makes of one attempt's result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// The answer, good or bad: another attempt would bring the same.
    Done,
    /// A failure that another attempt may mend. Made by [`Verdict::retry`] and
    /// [`Verdict::retry_after`].
    #[non_exhaustive]
    Retry {
        /// How long the upstream asked to be left alone; `None` or zero leaves it to the backoff.
        after: Option<Duration>,
        /// How many retries the next one counts for in the [`Budget`](crate::Budget).
        cost: NonZeroU32,
    },
    /// A failure that must not be repeated, such as a rejection by an open circuit breaker or a
    /// limiter on this side. The caller gets it at once, as with `Done`, but it is no success.
    Forbid,
}

impl Verdict {
    /// A failure worth another attempt, after a delay drawn from the backoff.
    #[must_use]
    pub const fn retry() -> Self {
        Self::Retry {
            after: None,
            cost: NonZeroU32::MIN,
        }
    }

    /// A failure worth another attempt, not before `hint` has passed.
    #[must_use]
    pub const fn retry_after(hint: Duration) -> Self {
        Self::Retry {
            after: Some(hint),
            cost: NonZeroU32::MIN,
        }
    }

    /// Makes the next attempt count for `cost` retries in the [`Budget`](crate::Budget), 1 by
    /// default: more for a failure that is dear to the upstream, such as a timeout after which it
    /// works on. Other verdicts cost nothing, whatever is said here.
    #[must_use]
    pub const fn cost(self, cost: NonZeroU32) -> Self {
        match self {
            Self::Retry { after, .. } => Self::Retry { after, cost },
            other => other,
        }
    }
}
