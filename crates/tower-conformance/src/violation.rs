use std::fmt;

/// A law of [`Service`](tower_service::Service), or of the bodies that pass through one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Law {
    /// The inner service is called only on an instance that has said that it is ready.
    CalledOnlyWhenReady,
    /// A clone starts unready, and making or dropping it changes nothing.
    CloneStartsUnready,
    /// `poll_ready` may be repeated; the second time changes nothing.
    RepeatedPollReady,
    /// Whoever returns `Pending` wakes the waker of the latest poll.
    PendingHasWaker,
    /// A future that finished, failed or was dropped gives everything back.
    DroppedFuture,
    /// A service that was dropped gives everything back, in whatever state it was.
    DroppedService,
    /// A panic of the inner service leaks nothing and breaks no other call.
    InnerPanic,
    /// A body keeps its bytes, its trailers, its `size_hint` and its `is_end_stream`.
    BodyIsKept,
}

impl Law {
    /// The rule, in a sentence.
    #[must_use]
    pub fn rule(self) -> &'static str {
        match self {
            Self::CalledOnlyWhenReady => {
                "the inner service is called only on an instance that has said it is ready"
            }
            Self::CloneStartsUnready => "a clone starts unready",
            Self::RepeatedPollReady => "a repeated poll_ready changes nothing",
            Self::PendingHasWaker => "whoever returns Pending wakes the latest waker",
            Self::DroppedFuture => "a future that is gone has given everything back",
            Self::DroppedService => "a service that is gone has given everything back",
            Self::InnerPanic => "a panic of the inner service leaks nothing",
            Self::BodyIsKept => "a body keeps its content, size_hint and is_end_stream",
        }
    }

    /// What the author of a layer that breaks the law usually has to do.
    #[must_use]
    pub fn advice(self) -> &'static str {
        match self {
            Self::CalledOnlyWhenReady => {
                "call the instance you polled: take it with mem::replace and leave the clone \
                 behind; poll an owned clone to readiness before every further call"
            }
            Self::CloneStartsUnready => {
                "write Clone by hand and leave permits, timers and ready flags behind"
            }
            Self::RepeatedPollReady => {
                "keep what poll_ready reserved and return Ready until call takes it"
            }
            Self::PendingHasWaker => {
                "return Pending only where something polled with the current context did, or \
                 store its waker on every poll"
            }
            Self::DroppedFuture => {
                "put what a call holds into a guard that lives in its future and gives it back \
                 on drop; do not detach the inner future"
            }
            Self::DroppedService => {
                "put what poll_ready reserves into a guard that lives in the service and gives \
                 it back on drop"
            }
            Self::InnerPanic => {
                "create the guard before calling or polling the inner service, and do not let a \
                 poisoned lock stop later calls"
            }
            Self::BodyIsKept => {
                "forward size_hint and is_end_stream of the wrapped body, or count what is left"
            }
        }
    }
}

/// A law that was broken: which, where, and what was seen.
///
/// Both `Display` and `Debug` print the whole message, so that a test which returns it is readable.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Violation {
    /// The broken law.
    pub law: Law,
    /// The situation in which it was broken.
    pub when: String,
    /// What was seen, and what was due instead.
    pub what: String,
}

impl Violation {
    pub(crate) fn new(law: Law, when: impl Into<String>, what: impl Into<String>) -> Self {
        Self {
            law,
            when: when.into(),
            what: what.into(),
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { law, when, what } = self;
        write!(
            f,
            "broken law: {}\n  when: {when}\n  seen: {what}\n  do:   {}",
            law.rule(),
            law.advice()
        )
    }
}

impl fmt::Debug for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Violation {}

/// All laws that a subject broke, one [`Violation`] each; never empty.
///
/// Both `Display` and `Debug` print all messages.
#[derive(Clone, PartialEq, Eq)]
pub struct Violations(Vec<Violation>);

impl Violations {
    pub(crate) fn all(found: Vec<Violation>) -> Result<(), Self> {
        if found.is_empty() {
            Ok(())
        } else {
            Err(Self(found))
        }
    }

    /// The violations, in the order of the laws.
    pub fn iter(&self) -> std::slice::Iter<'_, Violation> {
        self.0.iter()
    }
}

impl<'a> IntoIterator for &'a Violations {
    type Item = &'a Violation;
    type IntoIter = std::slice::Iter<'a, Violation>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Violations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, violation) in self.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            fmt::Display::fmt(violation, f)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Violations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Violations {}
