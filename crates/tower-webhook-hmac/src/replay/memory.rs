use std::{
    fmt,
    future::{Ready, ready},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::{Claimed, ReplayError, ReplayStore, Ticket, claims::Claims};
use crate::ReplayKey;

/// Deliveries in the memory of this process. A clone shares them.
///
/// Bounded: when it is full of entries that still count, new deliveries are refused rather than
/// old ones forgotten. Choose room for all that come within the time they are
/// [kept](super::ReplayGuardLayer::keep). Takes up to 160 bytes an entry as they come, and a lock
/// of one of 16 parts for a claim and for its settlement. A restart forgets everything.
#[derive(Clone)]
pub struct MemoryReplay {
    parts: Arc<[Mutex<Claims>]>,
}

impl MemoryReplay {
    /// Room for this many deliveries; with 0 every delivery is refused.
    ///
    /// From 4096 on the room is divided, so that a part may be full when up to a tenth of the whole
    /// is free.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        let parts = if capacity < 4096 { 1 } else { 16 };
        let part = |_| Mutex::new(Claims::new(capacity.div_ceil(parts)));
        Self {
            parts: (0..parts).map(part).collect(),
        }
    }

    /// How many are remembered, ended ones that haven't been swept included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.parts.iter().map(|part| lock(part).len()).sum()
    }

    /// Whether nothing is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn part(&self, key: &ReplayKey) -> MutexGuard<'_, Claims> {
        // Not the bytes that the table inside goes by.
        let index = usize::from(key.0[31]) % self.parts.len();
        lock(&self.parts[index])
    }
}

fn lock(part: &Mutex<Claims>) -> MutexGuard<'_, Claims> {
    // Nothing in `Claims` can panic between two changes that belong together.
    part.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ReplayStore for MemoryReplay {
    type Claiming = Ready<Result<Claimed, ReplayError>>;
    type Committing = Ready<Result<(), ReplayError>>;

    fn claim(&self, key: ReplayKey, lease: Duration) -> Self::Claiming {
        let now = Instant::now();
        ready(self.part(&key).claim(key, now, lease))
    }

    fn commit(&self, key: ReplayKey, ticket: Ticket, keep: Duration) -> Self::Committing {
        let now = Instant::now();
        ready(self.part(&key).commit(key, ticket, now, keep))
    }

    fn release(&self, key: ReplayKey, ticket: Ticket) {
        self.part(&key).release(key, ticket);
    }
}

impl fmt::Debug for MemoryReplay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryReplay")
            .field("len", &self.len())
            .finish()
    }
}
