#[cfg(test)]
mod tests;

use std::collections::HashMap;

use super::{Entry, Key, Resource, Usage};

/// No slot: the end of a list.
const NIL: usize = usize::MAX;

/// Entries bounded by count and by bytes, evicted by SIEVE: a queue in order of arrival and a hand
/// that walks it from the oldest, spares what was read since it last passed and evicts the rest.
/// A read sets one flag and moves nothing.
///
/// Both bounds hold at every moment, not only after some later maintenance.
pub(super) struct Sieve {
    max_entries: usize,
    max_bytes: usize,
    bytes: usize,
    evictions: u64,
    slots: HashMap<Key, usize>,
    /// The first slot of each resource; the rest follow through `Node::of_resource`.
    resources: HashMap<Resource, usize>,
    /// Slab: a node keeps its index; free ones wait in `free`.
    nodes: Vec<Option<Node>>,
    free: Vec<usize>,
    newest: usize,
    oldest: usize,
    hand: usize,
}

struct Node {
    key: Key,
    entry: Entry,
    size: usize,
    read: bool,
    age: Links,
    of_resource: Links,
}

#[derive(Clone, Copy)]
struct Links {
    /// The next newer one.
    prev: usize,
    /// The next older one.
    next: usize,
}

impl Sieve {
    pub(super) fn new(max_entries: usize, max_bytes: usize) -> Self {
        Self {
            max_entries,
            max_bytes,
            bytes: 0,
            evictions: 0,
            slots: HashMap::new(),
            resources: HashMap::new(),
            nodes: Vec::new(),
            free: Vec::new(),
            newest: NIL,
            oldest: NIL,
            hand: NIL,
        }
    }

    /// An empty one with the same bounds and the same count of evictions.
    pub(super) fn emptied(&self) -> Self {
        Self {
            evictions: self.evictions,
            ..Self::new(self.max_entries, self.max_bytes)
        }
    }

    pub(super) const fn bounds(&self) -> (usize, usize) {
        (self.max_entries, self.max_bytes)
    }

    pub(super) fn usage(&self) -> Usage {
        Usage {
            entries: self.slots.len() as u64,
            bytes: self.bytes as u64,
            evictions: self.evictions,
        }
    }

    pub(super) fn get(&mut self, key: &Key) -> Option<Entry> {
        let slot = *self.slots.get(key)?;
        let node = self.nodes[slot].as_mut()?;
        node.read = true;
        Some(node.entry.clone())
    }

    /// Without counting as a read.
    pub(super) fn peek(&self, key: &Key) -> Option<&Entry> {
        let slot = *self.slots.get(key)?;
        Some(&self.nodes[slot].as_ref()?.entry)
    }

    /// Whether the entry fits. One that does not still replaces an older one under its key: what
    /// it supersedes must not be served any more.
    pub(super) fn insert(&mut self, key: Key, entry: Entry) -> bool {
        if let Some(&slot) = self.slots.get(&key) {
            self.remove(slot);
        }
        // Twice the key: the index by resource may hold on to that of an earlier sibling.
        let size = entry.size().saturating_add(2 * key.as_bytes().len());
        if self.max_entries == 0 || size > self.max_bytes {
            return false;
        }
        while self.slots.len() >= self.max_entries || size > self.max_bytes - self.bytes {
            self.evict_one();
        }
        self.bytes += size;
        let slot = self.free.pop().unwrap_or_else(|| {
            self.nodes.push(None);
            self.nodes.len() - 1
        });
        let resource = key.resource();
        let sibling = self.resources.insert(resource, slot).unwrap_or(NIL);
        self.nodes[slot] = Some(Node {
            key: key.clone(),
            entry,
            size,
            read: false,
            age: Links {
                prev: NIL,
                next: self.newest,
            },
            of_resource: Links {
                prev: NIL,
                next: sibling,
            },
        });
        if let Some(node) = self.node(sibling) {
            node.of_resource.prev = slot;
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

    pub(super) fn remove_resource(&mut self, resource: &Resource) {
        while let Some(&slot) = self.resources.get(resource) {
            self.remove(slot);
        }
    }

    /// Looks at every entry.
    pub(super) fn remove_where(&mut self, condemned: impl Fn(&Key, &Entry) -> bool) {
        for slot in 0..self.nodes.len() {
            let node = self.node(slot);
            if node.is_some_and(|node| condemned(&node.key, &node.entry)) {
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
        self.bytes -= node.size;
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

        let Links { prev, next } = node.of_resource;
        if let Some(after) = self.node(next) {
            after.of_resource.prev = prev;
        }
        if let Some(before) = self.node(prev) {
            before.of_resource.next = next;
        } else if next == NIL {
            self.resources.remove(&node.key.resource());
        } else {
            self.resources.insert(node.key.resource(), next);
        }
    }

    fn node(&mut self, slot: usize) -> Option<&mut Node> {
        self.nodes.get_mut(slot)?.as_mut()
    }
}
