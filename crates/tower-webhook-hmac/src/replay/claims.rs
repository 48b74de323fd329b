//! What is remembered, without a lock or a clock.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap, hash_map::Entry as Slot},
    hash::{BuildHasherDefault, Hasher},
    time::Duration,
};

use tokio::time::Instant;

use super::{Claimed, ReplayError, Ticket};
use crate::ReplayKey;

/// A keyed, bounded memory. Live entries are never dropped to make room.
#[derive(Debug)]
pub(super) struct Claims {
    entries: HashMap<ReplayKey, Entry, BuildHasherDefault<Uniform>>,
    /// When entries end. An entry that has been settled since has another end, and is found here
    /// once more.
    ends: BinaryHeap<Reverse<(Instant, ReplayKey)>>,
    capacity: usize,
    last_ticket: u64,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    until: Instant,
    /// 0 when it is done; tickets begin at 1.
    ticket: u64,
}

/// Ends looked at with each claim: more than a claim and its commit add.
const SWEEP: usize = 4;

impl Claims {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            entries: HashMap::default(),
            ends: BinaryHeap::new(),
            capacity,
            last_ticket: 0,
        }
    }

    pub(super) fn claim(
        &mut self,
        key: ReplayKey,
        now: Instant,
        lease: Duration,
    ) -> Result<Claimed, ReplayError> {
        self.sweep(now, SWEEP);
        if self.entries.len() >= self.capacity && !self.entries.contains_key(&key) {
            self.sweep(now, usize::MAX);
            if self.entries.len() >= self.capacity {
                return Err(ReplayError::Full);
            }
        }
        let entry = Entry {
            until: far(now, lease),
            ticket: self.last_ticket + 1,
        };
        match self.entries.entry(key) {
            Slot::Occupied(held) if held.get().until > now => {
                return Ok(match held.get().ticket {
                    0 => Claimed::Done,
                    _ => Claimed::InFlight,
                });
            }
            Slot::Occupied(mut ended) => {
                ended.insert(entry);
            }
            Slot::Vacant(free) => {
                free.insert(entry);
            }
        }
        self.last_ticket = entry.ticket;
        self.note(entry.until, key);
        Ok(Claimed::Fresh(Ticket(entry.ticket.into())))
    }

    /// Also when the lease has ended, unless somebody else has claimed it since: it was handled.
    pub(super) fn commit(
        &mut self,
        key: ReplayKey,
        ticket: Ticket,
        now: Instant,
        keep: Duration,
    ) -> Result<(), ReplayError> {
        let until = far(now, keep);
        let full = self.entries.len() >= self.capacity;
        match self.entries.entry(key) {
            Slot::Occupied(mut held) if Ticket(held.get().ticket.into()) == ticket => {
                held.insert(Entry { until, ticket: 0 });
            }
            Slot::Occupied(_) => return Ok(()),
            Slot::Vacant(_) if full => return Err(ReplayError::Full),
            Slot::Vacant(free) => {
                free.insert(Entry { until, ticket: 0 });
            }
        }
        self.note(until, key);
        Ok(())
    }

    pub(super) fn release(&mut self, key: ReplayKey, ticket: Ticket) {
        if let Slot::Occupied(held) = self.entries.entry(key)
            && Ticket(held.get().ticket.into()) == ticket
        {
            held.remove();
        }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    fn note(&mut self, until: Instant, key: ReplayKey) {
        // Claims that were released leave their ends behind.
        if self.ends.len() > 2 * self.entries.len() + 64 {
            let ends = self.entries.iter();
            self.ends = ends
                .map(|(key, entry)| Reverse((entry.until, *key)))
                .collect();
        } else {
            self.ends.push(Reverse((until, key)));
        }
    }

    fn sweep(&mut self, now: Instant, most: usize) {
        for _ in 0..most {
            match self.ends.peek() {
                Some(Reverse((until, _))) if *until <= now => {}
                _ => break,
            }
            if let Some(Reverse((_, key))) = self.ends.pop()
                && let Slot::Occupied(held) = self.entries.entry(key)
                && held.get().until <= now
            {
                held.remove();
            }
        }
    }
}

/// A century is as good as never, and doesn't overflow.
fn far(now: Instant, after: Duration) -> Instant {
    let century = Duration::from_secs(100 * 365 * 86_400);
    now + after.min(century)
}

/// Keys are hashes already: any eight bytes of one will do.
#[derive(Debug, Default)]
pub(super) struct Uniform(u64);

impl Hasher for Uniform {
    fn write(&mut self, bytes: &[u8]) {
        if let Some(bytes) = bytes.first_chunk() {
            self.0 = u64::from_le_bytes(*bytes);
        }
    }

    /// Of the length of an array, which is always the same.
    fn write_usize(&mut self, _: usize) {}

    fn finish(&self) -> u64 {
        self.0
    }
}
