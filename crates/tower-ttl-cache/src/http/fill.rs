use std::{fmt, sync::Arc};

use bytes::Bytes;

use super::{
    entry::{Entry, Head},
    key::Key,
    shared::Shared,
    store::Store,
};

/// A response on its way into the store: collects the body that passes by.
///
/// Dropping it stores nothing. That is what happens to a body that is dropped, fails, grows past
/// the limit or has trailers.
pub(crate) struct Fill<St> {
    pub(crate) shared: Arc<Shared<St>>,
    /// The entry that leads to `key`, for a response that varies.
    pub(crate) index: Option<(Key, Entry)>,
    pub(crate) key: Key,
    pub(crate) epoch: u64,
    pub(crate) head: Head,
    /// The length the response announced.
    pub(crate) declared: Option<u64>,
    pub(crate) limit: usize,
    /// A copy: a frame may be a small part of a large buffer.
    collected: Vec<u8>,
}

impl<St> Fill<St> {
    pub(crate) fn new(
        shared: Arc<Shared<St>>,
        key: Key,
        epoch: u64,
        head: Head,
        limit: usize,
    ) -> Self {
        Self {
            shared,
            index: None,
            key,
            epoch,
            head,
            declared: None,
            limit,
            collected: Vec::new(),
        }
    }

    /// Gives the fill back unless the body has grown past the limit.
    pub(crate) fn push(mut self: Box<Self>, data: &[u8]) -> Option<Box<Self>> {
        if data.len() > self.limit - self.collected.len() {
            self.shared.counters.refused.add_one();
            return None;
        }
        if self.collected.is_empty()
            && let Some(declared) = self.declared
        {
            // Within the limit, or there would be no fill.
            self.collected.reserve_exact(declared as usize);
        }
        self.collected.extend_from_slice(data);
        Some(self)
    }
}

impl<St: Store> Fill<St> {
    /// The body has ended: stores the response, if it is as long as announced.
    pub(crate) fn finish(self) {
        let length = self.collected.len() as u64;
        if self.declared.is_some_and(|declared| declared != length) {
            return;
        }
        let Shared {
            store, counters, ..
        } = &*self.shared;
        // Boxed first, so that no spare capacity is kept.
        let body = Bytes::from(self.collected.into_boxed_slice());
        let entry = Entry::response(self.head, body);
        let indexed = self
            .index
            .is_none_or(|(key, index)| store.put(key, index, self.epoch));
        if indexed && store.put(self.key, entry, self.epoch) {
            counters.stores.add_one();
        } else {
            counters.refused.add_one();
        }
    }
}

impl<St> fmt::Debug for Fill<St> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fill")
            .field("collected", &self.collected.len())
            .field("declared", &self.declared)
            .finish_non_exhaustive()
    }
}
