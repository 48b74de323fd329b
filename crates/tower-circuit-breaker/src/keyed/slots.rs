use std::{
    collections::HashMap,
    hash::Hash,
    num::NonZeroUsize,
    sync::atomic::{AtomicU64, Ordering},
};

/// A bounded number of values by key, where making room for one looks at a bounded number of
/// others.
#[derive(Debug)]
pub(super) struct Slots<K, V> {
    places: HashMap<K, usize>,
    entries: Vec<Entry<K, V>>,
    max: NonZeroUsize,
    /// Where making room goes on.
    hand: usize,
}

#[derive(Debug)]
struct Entry<K, V> {
    key: K,
    value: V,
    /// In milliseconds.
    used: AtomicU64,
}

/// What a value is worth when room is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Worth {
    /// Could be made anew.
    Little,
    /// Knows something.
    Much,
    /// Was told something. Never idle.
    Most,
}

/// How many entries are looked at to make room for one.
const EXAMINED: usize = 16;

impl<K: Hash + Eq + Clone, V> Slots<K, V> {
    pub(super) fn new(max: NonZeroUsize) -> Self {
        Self {
            places: HashMap::new(),
            entries: Vec::new(),
            max,
            hand: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Without using it.
    pub(super) fn peek(&self, key: &K) -> Option<&V> {
        let place = self.places.get(key)?;
        self.entries.get(*place).map(|entry| &entry.value)
    }

    pub(super) fn get(&self, key: &K, now: u64) -> Option<&V> {
        let entry = self.entries.get(*self.places.get(key)?)?;
        // Written once a millisecond, so that callers of one key do not fight for it.
        if entry.used.load(Ordering::Relaxed) < now {
            entry.used.fetch_max(now, Ordering::Relaxed);
        }
        Some(&entry.value)
    }

    /// Takes in a key that is not there. Forgets keys not used for `idle` milliseconds that it
    /// comes across, and if there is still no room, the one of least worth, of these the one not
    /// used for the longest time.
    pub(super) fn insert(
        &mut self,
        key: K,
        value: V,
        now: u64,
        idle: u64,
        worth: impl Fn(&V) -> Worth,
    ) {
        self.forget_idle(now, idle, &worth);
        if self.entries.len() >= self.max.get() {
            self.forget_one(&worth);
        }
        self.places.insert(key.clone(), self.entries.len());
        self.entries.push(Entry {
            key,
            value,
            used: AtomicU64::new(now),
        });
    }

    fn forget_idle(&mut self, now: u64, idle: u64, worth: &impl Fn(&V) -> Worth) {
        for _ in 0..EXAMINED.min(self.entries.len()) {
            self.hand = self.next_place(self.hand);
            let is_idle = self.entries.get(self.hand).is_some_and(|entry| {
                let unused = now.saturating_sub(entry.used.load(Ordering::Relaxed));
                unused >= idle && worth(&entry.value) < Worth::Most
            });
            if is_idle {
                self.remove(self.hand);
            }
        }
    }

    fn forget_one(&mut self, worth: &impl Fn(&V) -> Worth) {
        let mut place = self.hand;
        let examined = std::iter::repeat_with(|| {
            place = self.next_place(place);
            place
        });
        let least = examined
            .take(EXAMINED.min(self.entries.len()))
            .filter_map(|place| {
                let entry = self.entries.get(place)?;
                let used = entry.used.load(Ordering::Relaxed);
                Some((worth(&entry.value), used, place))
            })
            .min();
        if let Some((_, _, place)) = least {
            self.remove(place);
        }
    }

    fn next_place(&self, place: usize) -> usize {
        match place + 1 {
            next if next < self.entries.len() => next,
            _ => 0,
        }
    }

    fn remove(&mut self, place: usize) {
        let removed = self.entries.swap_remove(place);
        self.places.remove(&removed.key);
        if let Some(moved) = self.entries.get(place)
            && let Some(known) = self.places.get_mut(&moved.key)
        {
            *known = place;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn slots(max: usize) -> Slots<u32, Worth> {
        Slots::new(NonZeroUsize::new(max).unwrap())
    }

    const NEVER: u64 = u64::MAX;

    #[test]
    fn the_least_worth_goes_first_and_then_the_least_used() {
        let mut slots = slots(3);
        slots.insert(1, Worth::Little, 1, NEVER, |worth| *worth);
        slots.insert(2, Worth::Much, 0, NEVER, |worth| *worth);
        slots.insert(3, Worth::Little, 2, NEVER, |worth| *worth);
        assert_eq!(slots.get(&1, 3), Some(&Worth::Little));
        slots.insert(4, Worth::Most, 4, NEVER, |worth| *worth);
        let kept =
            |slots: &Slots<u32, Worth>| [1, 2, 3, 4, 5].map(|key| slots.peek(&key).is_some());
        assert_eq!(kept(&slots), [true, true, false, true, false]);
        slots.insert(3, Worth::Most, 4, NEVER, |worth| *worth);
        slots.insert(5, Worth::Most, 5, NEVER, |worth| *worth);
        assert_eq!(kept(&slots), [false, false, true, true, true]);
    }

    #[test]
    fn what_is_idle_goes_whatever_it_knows_unless_it_was_told() {
        let mut slots = slots(100);
        for key in 0..10 {
            slots.insert(key, Worth::Much, 0, 50, |worth| *worth);
        }
        slots.insert(10, Worth::Most, 0, 50, |worth| *worth);
        slots.get(&3, 10);
        slots.insert(11, Worth::Little, 50, 50, |worth| *worth);
        slots.insert(12, Worth::Little, 50, 50, |worth| *worth);
        let kept: Vec<u32> = (0..13).filter(|key| slots.peek(key).is_some()).collect();
        assert_eq!(kept, [3, 10, 11, 12]);
    }

    proptest! {
        #[test]
        fn there_are_never_more_than_the_bound_and_the_last_is_always_there(
            max in 1_usize..40,
            keys in prop::collection::vec((0..60_u32, 0..3_u8), 0..300),
        ) {
            let mut slots = slots(max);
            for (now, (key, worth)) in keys.into_iter().enumerate() {
                let worth = [Worth::Little, Worth::Much, Worth::Most][usize::from(worth)];
                let now = now as u64;
                if slots.get(&key, now).is_none() {
                    slots.insert(key, worth, now, 30, |worth| *worth);
                }
                prop_assert!(slots.peek(&key).is_some());
                prop_assert!(slots.len() <= max);
                prop_assert_eq!(slots.places.len(), slots.len());
                for (place, entry) in slots.entries.iter().enumerate() {
                    prop_assert_eq!(slots.places.get(&entry.key), Some(&place));
                }
            }
        }
    }
}
