use std::time::Duration;

use hashbrown::HashTable;

use super::{Charge, Now};
use crate::{Admission, Algorithm, Denied, Usage, tiers::Tiers};

/// Buckets examined for spent keys at each insertion. At more than the inverse of the table's
/// load, spent keys go faster than new ones come.
const SWEPT_PER_INSERTION: usize = 4;

/// Keys compared before the least used of them makes room.
const EVICTION_SAMPLE: usize = 8;

/// A part of the keys, under one lock.
#[derive(Debug)]
pub(super) struct Shard<K, A> {
    table: HashTable<Slot<K, A>>,
    max_keys: usize,
    /// The bucket where the next search for spent keys starts.
    cursor: usize,
    /// When every key was found at its limit: the earliest time one no longer is. Until then a
    /// new key is refused without looking again.
    full_until: u64,
}

#[derive(Debug)]
struct Slot<K, A> {
    key: K,
    tiers: Tiers<A>,
}

impl<K: Eq + Clone, A: Algorithm> Shard<K, A> {
    pub(super) fn new(max_keys: usize) -> Self {
        Self {
            table: HashTable::new(),
            max_keys,
            cursor: 0,
            full_until: 0,
        }
    }

    pub(super) fn admit(
        &mut self,
        now: Now,
        hashed: u64,
        charge: &Charge<'_, K>,
        hash: impl Fn(&K) -> u64,
    ) -> Result<Admission, Denied> {
        if let Some(slot) = self.table.find_mut(hashed, |slot| slot.key == *charge.key) {
            return slot.tiers.admit(now, charge);
        }
        let mut tiers = Tiers::new(charge.quota);
        let admission = tiers.admit(now, charge)?;
        if charge.cost > 0 {
            self.insert(now, hashed, charge, tiers, hash)?;
        }
        Ok(admission)
    }

    /// Charges a request that has been let pass already, whether there is room or not.
    pub(super) fn charge(
        &mut self,
        now: Now,
        hashed: u64,
        charge: &Charge<'_, K>,
        hash: impl Fn(&K) -> u64,
    ) {
        if let Some(slot) = self.table.find_mut(hashed, |slot| slot.key == *charge.key) {
            slot.tiers.adopt(now, charge);
            slot.tiers.charge(now, charge.cost);
        } else if charge.cost > 0 {
            let mut tiers = Tiers::new(charge.quota);
            tiers.adopt(now, charge);
            tiers.charge(now, charge.cost);
            // In a store full of keys at their limit there is nowhere to note it.
            let _ = self.insert(now, hashed, charge, tiers, hash);
        }
    }

    /// Takes back what a key was charged, and says whether it is held.
    pub(super) fn refund(
        &mut self,
        now: Now,
        hashed: u64,
        key: &K,
        at: Option<u64>,
        cost: u32,
    ) -> bool {
        let slot = self.table.find_mut(hashed, |slot| slot.key == *key);
        let held = slot.map(|slot| slot.tiers.refund(now, at, cost)).is_some();
        // There may be room now.
        self.full_until = 0;
        held
    }

    /// Charges a key that is held, under the quotas it was last held to.
    pub(super) fn charge_held(&mut self, now: Now, hashed: u64, key: &K, cost: u32) -> bool {
        let slot = self.table.find_mut(hashed, |slot| slot.key == *key);
        slot.map(|slot| slot.tiers.charge(now, cost)).is_some()
    }

    fn insert(
        &mut self,
        now: Now,
        hashed: u64,
        charge: &Charge<'_, K>,
        tiers: Tiers<A>,
        hash: impl Fn(&K) -> u64,
    ) -> Result<(), Denied> {
        self.sweep(now, &hash);
        if self.table.len() >= self.max_keys {
            self.make_room(now)
                .map_err(|retry_after| Denied::new(charge.quota, retry_after))?;
        }
        let slot = Slot {
            key: charge.key.clone(),
            tiers,
        };
        self.table
            .insert_unique(hashed, slot, |slot| hash(&slot.key));
        Ok(())
    }

    pub(super) fn usage(&self, now: Now, hashed: u64, key: &K) -> Option<Usage> {
        let slot = self.table.find(hashed, |slot| slot.key == *key)?;
        Some(slot.tiers.usage(now))
    }

    pub(super) fn remove(&mut self, hashed: u64, key: &K) -> bool {
        match self.table.find_entry(hashed, |slot| slot.key == *key) {
            Ok(entry) => {
                entry.remove();
                self.full_until = 0;
                true
            }
            Err(_) => false,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    /// Removes spent keys from the next few buckets.
    fn sweep(&mut self, now: Now, hash: impl Fn(&K) -> u64) {
        for _ in 0..SWEPT_PER_INSERTION {
            if self.cursor >= self.table.num_buckets() {
                self.cursor = 0;
                self.shrink(&hash);
            }
            if let Ok(entry) = self.table.get_bucket_entry(self.cursor)
                && entry.get().tiers.is_spent(now)
            {
                entry.remove();
            }
            self.cursor += 1;
        }
    }

    /// Gives memory back once three quarters of it stand empty.
    fn shrink(&mut self, hash: impl Fn(&K) -> u64) {
        let len = self.table.len();
        if len < self.table.capacity() / 4 {
            self.table.shrink_to(len * 2, |slot| hash(&slot.key));
        }
    }

    /// Removes one key: a spent one if the search meets it, else the least used of a sample,
    /// never one at its limit. When there is only the latter, says how long until there is not.
    fn make_room(&mut self, now: Now) -> Result<(), Duration> {
        let still_full = Duration::from_nanos(self.full_until.saturating_sub(now.at));
        if !still_full.is_zero() {
            return Err(still_full);
        }
        let mut least_used: Option<(f64, usize)> = None;
        let mut earliest = Duration::MAX;
        let mut seen = 0;
        let buckets = self.table.num_buckets();
        for step in 0..buckets {
            let bucket = (self.cursor + step) % buckets;
            let Some(slot) = self.table.get_bucket(bucket) else {
                continue;
            };
            if slot.tiers.is_spent(now) {
                least_used = Some((0.0, bucket));
                break;
            }
            let usage = slot.tiers.usage(now);
            if !usage.next_admission.is_zero() {
                earliest = earliest.min(usage.next_admission);
            } else if least_used.is_none_or(|(least, _)| usage.percentage() < least) {
                least_used = Some((usage.percentage(), bucket));
            }
            seen += 1;
            if seen >= EVICTION_SAMPLE && least_used.is_some() {
                break;
            }
        }
        match least_used {
            Some((_, bucket)) => {
                if let Ok(entry) = self.table.get_bucket_entry(bucket) {
                    entry.remove();
                }
                self.cursor = bucket + 1;
                Ok(())
            }
            None => {
                let earliest_nanos = u64::try_from(earliest.as_nanos()).unwrap_or(u64::MAX);
                self.full_until = now.at.saturating_add(earliest_nanos);
                Err(earliest)
            }
        }
    }
}
