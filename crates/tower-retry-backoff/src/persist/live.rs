use std::{collections::HashMap, time::SystemTime};

use super::Entry;

/// What a journal's records come to: the operations not struck out.
#[derive(Debug, Default)]
pub(super) struct Live {
    entries: HashMap<String, Entry>,
    // Of keys and requests.
    bytes: usize,
}

impl Live {
    pub(super) fn begin(&mut self, entry: Entry) {
        self.finish(&entry.key);
        self.bytes += size(&entry);
        self.entries.insert(entry.key.clone(), entry);
    }

    pub(super) fn retry(&mut self, key: &str, attempts: u32, due: SystemTime) {
        if let Some(entry) = self.entries.get_mut(key) {
            (entry.attempts, entry.due) = (attempts, due);
        }
    }

    pub(super) fn finish(&mut self, key: &str) {
        if let Some(entry) = self.entries.remove(key) {
            self.bytes -= size(&entry);
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// In the order in which they are due.
    pub(super) fn pending(&self) -> Vec<Entry> {
        let mut pending: Vec<_> = self.entries.values().cloned().collect();
        pending.sort_by(|one, other| (one.due, &one.key).cmp(&(other.due, &other.key)));
        pending
    }
}

fn size(entry: &Entry) -> usize {
    entry.key.len() + entry.request.len()
}
