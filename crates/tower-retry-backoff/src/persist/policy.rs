use std::{
    fmt, io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tokio::time::Instant;

use super::{Codec, Entry, Journal};
use crate::{Policy, Retried, Upcoming, Verdict};

/// The policy `P`, with operations in retry written down in the journal `J`. See the
/// [module](super) page.
#[derive(Clone)]
pub struct Journaled<P, C, J> {
    policy: P,
    codec: C,
    journal: J,
    unwritten: Arc<AtomicU64>,
}

impl<P, C, J> Journaled<P, C, J> {
    /// What is retried is judged by `policy`; `codec` turns requests into what `journal` keeps.
    pub fn new(policy: P, codec: C, journal: J) -> Self {
        Self {
            policy,
            codec,
            journal,
            unwritten: Arc::default(),
        }
    }

    /// How many records the journal failed to write: so many times an operation was not protected,
    /// or was not struck out. Clones share the count; keep one to read it.
    #[must_use]
    pub fn unwritten(&self) -> u64 {
        self.unwritten.load(Relaxed)
    }

    pub(super) fn codec(&self) -> &C {
        &self.codec
    }

    pub(super) fn journal(&self) -> &J {
        &self.journal
    }

    #[allow(clippy::needless_pass_by_value, reason = "ends the results of writes")]
    fn count(&self, _error: io::Error) {
        self.unwritten.fetch_add(1, Relaxed);
    }

    /// What is remembered of an operation that is in the journal already.
    pub(super) fn recovered<R, Res, E>(
        &self,
        request: &R,
        key: String,
        deadline: Instant,
    ) -> Option<JournalTag<P::Tag>>
    where
        P: Policy<R, Res, E>,
    {
        Some(JournalTag {
            tag: self.policy.tag(request)?,
            key: Some(key),
            deadline: Some(deadline),
        })
    }
}

/// What [`Journaled`] remembers of a request.
#[derive(Debug)]
pub struct JournalTag<T> {
    tag: T,
    // As soon as it is in the journal.
    key: Option<String>,
    // Of an operation that began in an earlier run of the program.
    deadline: Option<Instant>,
}

impl<P, C, J, R, Res, E> Policy<R, Res, E> for Journaled<P, C, J>
where
    P: Policy<R, Res, E>,
    C: Codec<R>,
    J: Journal,
{
    type Tag = JournalTag<P::Tag>;

    fn tag(&self, request: &R) -> Option<Self::Tag> {
        let tag = self.policy.tag(request)?;
        Some(JournalTag {
            tag,
            key: None,
            deadline: None,
        })
    }

    fn verdict(&self, tag: &Self::Tag, result: Result<&Res, &E>) -> Verdict {
        self.policy.verdict(&tag.tag, result)
    }

    fn deadline(&self, tag: &Self::Tag) -> Option<Instant> {
        let own = self.policy.deadline(&tag.tag);
        own.into_iter().chain(tag.deadline).min()
    }

    fn repeatable(&self, tag: &Self::Tag, request: &R) -> bool {
        self.policy.repeatable(&tag.tag, request)
    }

    fn upcoming(&self, tag: &mut Self::Tag, request: &R, upcoming: Upcoming) {
        self.policy.upcoming(&mut tag.tag, request, upcoming);
        let (now, attempts) = (SystemTime::now(), upcoming.made());
        let due = later(now, upcoming.delay());
        if let Some(key) = &tag.key {
            let written = self.journal.retry(key, attempts, due);
            return written.unwrap_or_else(|error| self.count(error));
        }
        let encoded = self.codec.key(request).zip(self.codec.encode(request));
        let Some((key, request)) = encoded else {
            return;
        };
        let entry = Entry {
            key,
            request,
            attempts,
            due,
            deadline: later(now, upcoming.time_left()),
        };
        match self.journal.begin(&entry) {
            Ok(()) => tag.key = Some(entry.key),
            Err(error) => self.count(error),
        }
    }

    fn prepare(&self, tag: &Self::Tag, request: &mut R, attempt: u32) {
        self.policy.prepare(&tag.tag, request, attempt);
    }

    fn finish(&self, tag: &Self::Tag, result: &mut Result<Res, E>, retried: Retried) {
        if let Some(key) = &tag.key {
            let written = self.journal.finish(key);
            written.unwrap_or_else(|error| self.count(error));
        }
        self.policy.finish(&tag.tag, result, retried);
    }
}

impl<P: fmt::Debug, C, J: fmt::Debug> fmt::Debug for Journaled<P, C, J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journaled")
            .field("policy", &self.policy)
            .field("journal", &self.journal)
            .field("unwritten", &self.unwritten())
            .finish_non_exhaustive()
    }
}

/// Saturates in a year that no program sees.
fn later(now: SystemTime, time: Duration) -> SystemTime {
    const END: Duration = Duration::from_secs(1 << 40);
    let end = UNIX_EPOCH + END;
    now.checked_add(time).map_or(end, |later| later.min(end))
}
