#[cfg(test)]
mod tests;

use std::{collections::HashMap, hash::Hash};

use foldhash::quality::RandomState;

/// No slot: the end of a list.
const NIL: usize = usize::MAX;

/// What entries are kept under. Entries of one group can be removed together.
pub(crate) trait Grouped: Hash + Eq + Clone {
    type Group: Hash + Eq;

    /// None for a key that is removed by itself alone.
    fn group(&self) -> Option<Self::Group>;
}

/// Entries bounded by count and by size, evicted by SIEVE: a queue in order of arrival and a hand
/// that walks it from the oldest, spares what was read since it last passed and evicts the rest.
/// A read sets one flag and moves nothing.
///
/// Both bounds hold at every moment, not only after some later maintenance.
pub(crate) struct Sieve<K: Grouped, V> {
    max_entries: usize,
    max_size: usize,
    size: usize,
    evictions: u64,
    slots: HashMap<K, usize, RandomState>,
    /// The first slot of each group; the rest follow through `Node::of_group`.
    groups: HashMap<K::Group, usize, RandomState>,
    /// Slab: a node keeps its index; free ones wait in `free`.
    nodes: Vec<Option<Node<K, V>>>,
    free: Vec<usize>,
    newest: usize,
    oldest: usize,
    hand: usize,
}

struct Node<K, V> {
    key: K,
    value: V,
    size: usize,
    read: bool,
    age: Links,
    of_group: Links,
}

#[derive(Clone, Copy)]
struct Links {
    /// The next newer one.
    prev: usize,
    /// The next older one.
    next: usize,
}

/// What is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) entries: usize,
    pub(crate) size: usize,
    pub(crate) evictions: u64,
}

impl<K: Grouped, V> Sieve<K, V> {
    pub(crate) fn new(max_entries: usize, max_size: usize) -> Self {
        Self {
            max_entries,
            max_size,
            size: 0,
            evictions: 0,
            slots: HashMap::default(),
            groups: HashMap::default(),
            nodes: Vec::new(),
            free: Vec::new(),
            newest: NIL,
            oldest: NIL,
            hand: NIL,
        }
    }

    /// An empty one with the same bounds and the same count of evictions.
    pub(crate) fn emptied(&self) -> Self {
        Self {
            evictions: self.evictions,
            ..Self::new(self.max_entries, self.max_size)
        }
    }

    pub(crate) const fn bounds(&self) -> (usize, usize) {
        (self.max_entries, self.max_size)
    }

    pub(crate) fn held(&self) -> Held {
        Held {
            entries: self.slots.len(),
            size: self.size,
            evictions: self.evictions,
        }
    }

    pub(crate) fn get(&mut self, key: &K) -> Option<&V> {
        let slot = *self.slots.get(key)?;
        let node = self.nodes[slot].as_mut()?;
        node.read = true;
        Some(&node.value)
    }

    /// Without counting as a read.
    pub(crate) fn peek(&self, key: &K) -> Option<&V> {
        let slot = *self.slots.get(key)?;
        Some(&self.nodes[slot].as_ref()?.value)
    }

    /// Whether the entry fits. One that does not still replaces an older one under its key: what
    /// it supersedes must not be served any more.
    pub(crate) fn insert(&mut self, key: K, value: V, size: usize) -> bool {
        if let Some(&slot) = self.slots.get(&key) {
            self.remove(slot);
        }
        if self.max_entries == 0 || size > self.max_size {
            return false;
        }
        while self.slots.len() >= self.max_entries || size > self.max_size - self.size {
            self.evict_one();
        }
        self.size += size;
        let slot = self.free.pop().unwrap_or_else(|| {
            self.nodes.push(None);
            self.nodes.len() - 1
        });
        let sibling = match key.group() {
            Some(group) => self.groups.insert(group, slot).unwrap_or(NIL),
            None => NIL,
        };
        self.nodes[slot] = Some(Node {
            key: key.clone(),
            value,
            size,
            read: false,
            age: Links {
                prev: NIL,
                next: self.newest,
            },
            of_group: Links {
                prev: NIL,
                next: sibling,
            },
        });
        if let Some(node) = self.node(sibling) {
            node.of_group.prev = slot;
        }
        if let Some(node) = self.node(self.newest) {
            node.age.prev = slot;
        }
        self.newest = slot;
        if self.oldest == NIL {
            self.oldest = slot;
        }
        self.slots.insert(key, slot);
        true
    }

    pub(crate) fn remove_group(&mut self, group: &K::Group) {
        while let Some(&slot) = self.groups.get(group) {
            self.remove(slot);
        }
    }

    /// Whether there was one.
    pub(crate) fn remove_key(&mut self, key: &K) -> bool {
        let slot = self.slots.get(key).copied();
        if let Some(slot) = slot {
            self.remove(slot);
        }
        slot.is_some()
    }

    /// Looks at every entry.
    pub(crate) fn remove_where(&mut self, condemned: impl Fn(&K, &V) -> bool) {
        for slot in 0..self.nodes.len() {
            let node = self.node(slot);
            if node.is_some_and(|node| condemned(&node.key, &node.value)) {
                self.remove(slot);
            }
        }
    }

    /// Called with at least one entry present: otherwise both bounds have room.
    fn evict_one(&mut self) {
        let mut at = if self.hand == NIL {
            self.oldest
        } else {
            self.hand
        };
        // Ends within two rounds: the first clears every flag.
        while let Some(node) = self.node(at)
            && node.read
        {
            node.read = false;
            let newer = node.age.prev;
            at = if newer == NIL { self.oldest } else { newer };
        }
        self.hand = at;
        self.remove(at);
        self.evictions += 1;
    }

    fn remove(&mut self, slot: usize) {
        let Some(node) = self.nodes[slot].take() else {
            return;
        };
        self.free.push(slot);
        self.size -= node.size;
        self.slots.remove(&node.key);
        if self.hand == slot {
            self.hand = node.age.prev;
        }

        let Links { prev, next } = node.age;
        match self.node(prev) {
            Some(newer) => newer.age.next = next,
            None => self.newest = next,
        }
        match self.node(next) {
            Some(older) => older.age.prev = prev,
            None => self.oldest = prev,
        }

        let Links { prev, next } = node.of_group;
        if let Some(after) = self.node(next) {
            after.of_group.prev = prev;
        }
        if let Some(before) = self.node(prev) {
            before.of_group.next = next;
        } else if let Some(group) = node.key.group() {
            if next == NIL {
                self.groups.remove(&group);
            } else {
                self.groups.insert(group, next);
            }
        }
    }

    fn node(&mut self, slot: usize) -> Option<&mut Node<K, V>> {
        self.nodes.get_mut(slot)?.as_mut()
    }
}
