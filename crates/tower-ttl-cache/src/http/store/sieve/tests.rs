//! The linked lists against the same rule over a plain vector.

use http::{HeaderName, Request};
use proptest::prelude::*;

use super::*;
use crate::http::{policy::Mode, seed::Seed, vary::Index};

struct Item {
    key: Key,
    size: usize,
    read: bool,
}

/// Oldest first.
struct Model {
    max_entries: usize,
    max_bytes: usize,
    queue: Vec<Item>,
    hand: Option<Key>,
}

impl Model {
    fn at(&self, key: &Key) -> Option<usize> {
        self.queue.iter().position(|item| item.key == *key)
    }

    fn bytes(&self) -> usize {
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
            self.hand = self.queue.get(at).map(|newer| newer.key.clone());
        }
    }

    fn insert(&mut self, key: Key, size: usize) -> bool {
        if let Some(at) = self.at(&key) {
            self.remove(at);
        }
        if self.max_entries == 0 || size > self.max_bytes {
            return false;
        }
        while self.queue.len() == self.max_entries || self.bytes() + size > self.max_bytes {
            let mut at = self
                .hand
                .as_ref()
                .and_then(|hand| self.at(hand))
                .unwrap_or(0);
            while self.queue[at].read {
                self.queue[at].read = false;
                at = (at + 1) % self.queue.len();
            }
            self.hand = Some(self.queue[at].key.clone());
            self.remove(at);
        }
        self.queue.push(Item {
            key,
            size,
            read: false,
        });
        true
    }

    fn remove_resource(&mut self, resource: &Resource) {
        while let Some(at) = (self.queue.iter()).position(|item| item.key.resource() == *resource) {
            self.remove(at);
        }
    }
}

#[derive(Clone, Debug)]
enum Step {
    Get(usize),
    Insert(usize, usize),
    Remove(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..12_usize).prop_map(Step::Get),
        4 => (0..12_usize, 0..8_usize).prop_map(|(key, names)| Step::Insert(key, names)),
        1 => (0..12_usize).prop_map(Step::Remove),
    ]
}

/// Four resources of three keys each.
fn keys() -> Vec<Key> {
    let seed = Seed::random();
    let request = |resource| {
        Request::get(format!("/{resource}"))
            .body(())
            .expect("a request")
    };
    (0..12_u8)
        .map(|n| Key::of(&request(n % 4), Mode::Private, &seed).variant(&[n; 32]))
        .collect()
}

fn entry(names: usize) -> Entry {
    Entry::vary(Index {
        names: vec![HeaderName::from_static("accept"); names],
        ..Index::default()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn the_lists_do_what_the_rule_says(
        max_entries in 0..8_usize,
        max_bytes in 500..8_000_usize,
        steps in prop::collection::vec(step(), 1..120),
    ) {
        let keys = keys();
        let mut sieve = Sieve::new(max_entries, max_bytes);
        let mut model = Model { max_entries, max_bytes, queue: Vec::new(), hand: None };
        for step in steps {
            match step {
                Step::Get(key) => {
                    let found = sieve.get(&keys[key]).is_some();
                    prop_assert_eq!(found, model.get(&keys[key]));
                }
                Step::Insert(key, names) => {
                    let key = &keys[key];
                    let size = entry(names).size() + 2 * key.as_bytes().len();
                    let taken = sieve.insert(key.clone(), entry(names));
                    prop_assert_eq!(taken, model.insert(key.clone(), size));
                }
                Step::Remove(key) => {
                    let resource = keys[key].resource();
                    sieve.remove_resource(&resource);
                    model.remove_resource(&resource);
                }
            }
            let usage = sieve.usage();
            prop_assert!(usage.entries <= max_entries as u64);
            prop_assert!(usage.bytes <= max_bytes as u64);
            prop_assert_eq!(usage.entries, model.queue.len() as u64);
            prop_assert_eq!(usage.bytes, model.bytes() as u64);
            for key in &keys {
                prop_assert_eq!(sieve.slots.contains_key(key), model.at(key).is_some());
            }
            prop_assert_eq!(sieve.resources.is_empty(), model.queue.is_empty());
        }
    }
}
