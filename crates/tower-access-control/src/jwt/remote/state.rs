use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::time::Instant;

use crate::jwt::{KeySet, VerifyingKey};

/// How many key ids are remembered as unknown; they are invented by whoever likes to.
const MAX_ABSENT: usize = 1024;
/// Longer ids than this aren't remembered, and so are all unknown together.
const MAX_ABSENT_LEN: usize = 128;

/// When to fetch, and what to answer meanwhile. Pure.
#[derive(Debug)]
pub(super) struct State {
    pub(super) times: Times,
    set: Option<(KeySet, Instant)>,
    /// When the last fetch ended, well or badly.
    attempted_at: Option<Instant>,
    /// Whether it ended badly. Then a key that isn't known may well exist.
    failed: bool,
    /// Ids that weren't in the set when it was last fetched for them.
    absent: HashMap<Box<str>, Instant>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    pub(super) fresh_for: Duration,
    pub(super) stale_for: Duration,
    pub(super) cooldown: Duration,
    pub(super) absent_for: Duration,
}

#[derive(Debug, Clone)]
pub(super) enum Look {
    /// The answer.
    Known(Option<Arc<VerifyingKey>>),
    /// Fetch. Who can't, because somebody else does, may answer this, if there is something.
    Fetch(Option<Arc<VerifyingKey>>),
    /// Nothing is known, and it is too early to ask again.
    Unavailable,
}

impl State {
    pub(super) fn new(times: Times) -> Self {
        Self {
            times,
            set: None,
            attempted_at: None,
            failed: false,
            absent: HashMap::new(),
        }
    }

    pub(super) fn look(&self, id: Option<&str>, now: Instant) -> Look {
        let Times {
            fresh_for,
            stale_for,
            cooldown,
            absent_for,
        } = self.times;
        let within = |since: Instant, time: Duration| now.saturating_duration_since(since) < time;
        let cooling = self.attempted_at.is_some_and(|at| within(at, cooldown));
        let usable = self
            .set
            .as_ref()
            .filter(|(_, at)| within(*at, fresh_for.saturating_add(stale_for)));
        let Some((set, fetched_at)) = usable else {
            return if cooling {
                Look::Unavailable
            } else {
                Look::Fetch(None)
            };
        };
        let key = set.get(id).map(Arc::clone);
        let fresh = within(*fetched_at, fresh_for);
        let absent_since = id.and_then(|id| self.absent.get(id));
        let known = key.is_some() || absent_since.is_some_and(|at| within(*at, absent_for));
        if cooling && self.failed && !known {
            Look::Unavailable
        } else if cooling || fresh && (known || id.is_none()) {
            Look::Known(key)
        } else {
            Look::Fetch(key)
        }
    }

    /// A fetch for this id has ended; with `None` it failed.
    pub(super) fn fetched(&mut self, set: Option<KeySet>, id: Option<&str>, now: Instant) {
        self.attempted_at = Some(now);
        self.failed = set.is_none();
        let Some(set) = set else {
            return;
        };
        if let Some(id) = id.filter(|id| id.len() <= MAX_ABSENT_LEN && set.get(Some(id)).is_none())
        {
            let absent_for = self.times.absent_for;
            self.absent
                .retain(|_, at| now.saturating_duration_since(*at) < absent_for);
            if self.absent.len() < MAX_ABSENT {
                self.absent.insert(id.into(), now);
            }
        }
        self.set = Some((set, now));
    }
}
