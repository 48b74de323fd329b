//! The linked lists against the same rule over a plain vector.

use proptest::prelude::*;

use super::*;

/// Of four groups, and of none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Key(usize);

impl Grouped for Key {
    type Group = usize;

    fn group(&self) -> Option<usize> {
        (self.0 < 12).then_some(self.0 % 4)
    }
}

struct Item {
    key: Key,
    size: usize,
    read: bool,
}

/// Oldest first.
struct Model {
    max_entries: usize,
    max_size: usize,
    queue: Vec<Item>,
    hand: Option<Key>,
}

impl Model {
    fn at(&self, key: &Key) -> Option<usize> {
        self.queue.iter().position(|item| item.key == *key)
    }

    fn size(&self) -> usize {
        self.queue.iter().map(|item| item.size).sum()
    }

    fn get(&mut self, key: &Key) -> bool {
        let found = self.at(key);
        if let Some(at) = found {
            self.queue[at].read = true;
        }
        found.is_some()
    }

    fn remove(&mut self, at: usize) {
        let removed = self.queue.remove(at);
        if self.hand == Some(removed.key) {
            self.hand = self.queue.get(at).map(|newer| newer.key);
        }
    }

    fn insert(&mut self, key: Key, size: usize) -> bool {
        if let Some(at) = self.at(&key) {
            self.remove(at);
        }
        if self.max_entries == 0 || size > self.max_size {
            return false;
        }
        while self.queue.len() == self.max_entries || self.size() + size > self.max_size {
            let mut at = self
                .hand
                .as_ref()
                .and_then(|hand| self.at(hand))
                .unwrap_or(0);
            while self.queue[at].read {
                self.queue[at].read = false;
                at = (at + 1) % self.queue.len();
            }
            self.hand = Some(self.queue[at].key);
            self.remove(at);
        }
        self.queue.push(Item {
            key,
            size,
            read: false,
        });
        true
    }

    fn remove_group(&mut self, group: usize) {
        while let Some(at) = (self.queue.iter()).position(|item| item.key.group() == Some(group)) {
            self.remove(at);
        }
    }
}

#[derive(Clone, Debug)]
enum Step {
    Get(usize),
    Insert(usize, usize),
    RemoveGroup(usize),
    RemoveKey(usize),
    RemoveWhere(usize),
}

const KEYS: usize = 14;

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..KEYS).prop_map(Step::Get),
        4 => (0..KEYS, 0..80_usize).prop_map(|(key, size)| Step::Insert(key, size)),
        1 => (0..4_usize).prop_map(Step::RemoveGroup),
        1 => (0..KEYS).prop_map(Step::RemoveKey),
        1 => (2..5_usize).prop_map(Step::RemoveWhere),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn the_lists_do_what_the_rule_says(
        max_entries in 0..8_usize,
        max_size in 0..200_usize,
        steps in prop::collection::vec(step(), 1..120),
    ) {
        let mut sieve = Sieve::new(max_entries, max_size);
        let mut model = Model { max_entries, max_size, queue: Vec::new(), hand: None };
        for step in steps {
            match step {
                Step::Get(key) => {
                    let found = sieve.get(&Key(key)).copied();
                    prop_assert_eq!(found, model.get(&Key(key)).then_some(key));
                }
                Step::Insert(key, size) => {
                    let taken = sieve.insert(Key(key), key, size);
                    prop_assert_eq!(taken, model.insert(Key(key), size));
                }
                Step::RemoveGroup(group) => {
                    sieve.remove_group(&group);
                    model.remove_group(group);
                }
                Step::RemoveKey(key) => {
                    let at = model.at(&Key(key));
                    prop_assert_eq!(sieve.remove_key(&Key(key)), at.is_some());
                    at.into_iter().for_each(|at| model.remove(at));
                }
                Step::RemoveWhere(divisor) => {
                    sieve.remove_where(|key, _| key.0 % divisor == 0);
                    for key in (0..KEYS).step_by(divisor) {
                        model.at(&Key(key)).into_iter().for_each(|at| model.remove(at));
                    }
                }
            }
            let held = sieve.held();
            prop_assert!(held.entries <= max_entries);
            prop_assert!(held.size <= max_size);
            prop_assert_eq!(held.entries, model.queue.len());
            prop_assert_eq!(held.size, model.size());
            for key in 0..KEYS {
                let kept = sieve.peek(&Key(key)).is_some();
                prop_assert_eq!(kept, model.at(&Key(key)).is_some());
            }
            let grouped = model.queue.iter().any(|item| item.key.group().is_some());
            prop_assert_eq!(sieve.groups.is_empty(), !grouped);
        }
    }
}
