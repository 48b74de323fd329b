use std::{fmt, sync::Arc};

use bytes::Bytes;
use http::{HeaderValue, StatusCode, header::ETAG};
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use super::{
    entry::{Entry, Head},
    key::Key,
    shared::{Settings, Shared},
    store::Store,
};
use crate::flight::Leader;

/// A response on its way into the store: collects the body that passes by.
///
/// Dropping it stores nothing. That is what happens to a body that is dropped, fails, grows past
/// the limit or has trailers. With it goes the lead of its flight, to one of those who wait.
pub(crate) struct Fill<St> {
    pub(crate) shared: Arc<Shared<St>>,
    pub(crate) settings: Arc<Settings>,
    /// The entry that leads to `key`, for a response that varies.
    pub(crate) index: Option<(Key, Entry)>,
    pub(crate) key: Key,
    pub(crate) epoch: u64,
    /// Taken when the response is stored.
    pub(crate) head: Option<Head>,
    /// The length the response announced.
    pub(crate) declared: Option<u64>,
    pub(crate) leader: Option<Leader<Key>>,
    /// A copy: a frame may be a small part of a large buffer.
    collected: Vec<u8>,
    reserved: usize,
}

impl<St> Fill<St> {
    pub(crate) const fn new(
        shared: Arc<Shared<St>>,
        settings: Arc<Settings>,
        key: Key,
        epoch: u64,
        head: Head,
    ) -> Self {
        Self {
            shared,
            settings,
            index: None,
            key,
            epoch,
            head: Some(head),
            declared: None,
            leader: None,
            collected: Vec::new(),
            reserved: 0,
        }
    }

    /// Gives the fill back unless the body has grown past a limit.
    pub(crate) fn push(mut self: Box<Self>, data: &[u8]) -> Option<Box<Self>> {
        let limit = self.settings.policy.max_object_bytes;
        if data.len() > limit - self.collected.len() || !self.make_room(data.len()) {
            self.refuse();
            return None;
        }
        self.collected.extend_from_slice(data);
        Some(self)
    }

    /// Has the vector grow by the rules of this cache, and pays for it from the budget.
    fn make_room(&mut self, more: usize) -> bool {
        let needed = self.collected.len() + more;
        if needed <= self.reserved {
            return true;
        }
        let limit = self.settings.policy.max_object_bytes;
        let capacity = match self.declared {
            // Within the limit, or there would be no fill.
            Some(declared) => needed.max(declared as usize),
            None => needed.max((2 * self.reserved).min(limit)),
        };
        let most = self.settings.max_in_flight_bytes;
        if !self.shared.reserve(capacity - self.reserved, most) {
            return false;
        }
        self.reserved = capacity;
        self.collected
            .reserve_exact(capacity - self.collected.len());
        true
    }

    fn refuse(&mut self) {
        self.shared.counters.refused.add_one();
        if let Some(leader) = self.leader.take() {
            leader.scatter(Instant::now());
        }
    }
}

impl<St: Store> Fill<St> {
    /// The body has ended: stores the response, if it is as long as announced.
    pub(crate) fn finish(mut self) {
        let length = self.collected.len() as u64;
        if self.declared.is_some_and(|declared| declared != length) {
            return;
        }
        let Some(mut head) = self.head.take() else {
            return;
        };
        // Boxed first, so that no spare capacity is kept.
        let body = Bytes::from(std::mem::take(&mut self.collected).into_boxed_slice());
        if self.settings.generate_etag {
            add_etag(&mut head, &body);
        }
        let entry = Entry::response(head, body);
        let Shared { store, .. } = &*self.shared;
        let indexed = match self.index.take() {
            Some((key, index)) => store.put(key, index, self.epoch),
            None => true,
        };
        if indexed && store.put(self.key.clone(), entry, self.epoch) {
            self.shared.counters.stores.add_one();
            if let Some(leader) = self.leader.take() {
                leader.land();
            }
        } else {
            self.refuse();
        }
    }
}

impl<St> Drop for Fill<St> {
    fn drop(&mut self) {
        self.shared.release(self.reserved);
    }
}

/// A strong validator: equal bytes, equal tag (RFC 9110 section 8.8.3).
fn add_etag(head: &mut Head, body: &[u8]) {
    if head.status != StatusCode::OK || head.headers.contains_key(ETAG) {
        return;
    }
    let digest = Sha256::digest(body);
    let mut tag = String::with_capacity(34);
    tag.push('"');
    for byte in &digest[..16] {
        for nibble in [byte >> 4, byte & 15] {
            tag.extend(char::from_digit(nibble.into(), 16));
        }
    }
    tag.push('"');
    if let Ok(tag) = HeaderValue::try_from(tag) {
        head.headers.insert(ETAG, tag);
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
