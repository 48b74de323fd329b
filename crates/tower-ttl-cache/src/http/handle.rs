use std::sync::Arc;

use http::{HeaderMap, Uri};

use super::{
    key::Resource,
    shared::Shared,
    stats::Stats,
    store::{MemoryStore, Store},
};

/// Looks into a cache, and empties it, from outside the stack. Cheap to clone.
#[derive(Debug)]
pub struct CacheHandle<St = MemoryStore> {
    shared: Arc<Shared<St>>,
}

impl<St> CacheHandle<St> {
    pub(crate) const fn new(shared: Arc<Shared<St>>) -> Self {
        Self { shared }
    }
}

impl<St: Store> CacheHandle<St> {
    /// What the cache has done and what it holds.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.shared.counters.snapshot(self.shared.store.usage())
    }

    /// Removes everything stored for a URI: of every credential, every variant, `http` and
    /// `https` alike. Responses to requests already under way are not stored any more.
    ///
    /// The URI needs its authority (`https://example.com/users`), unless requests come in without
    /// one and without `Host`. The query belongs to it; a fragment does not.
    ///
    /// # Errors
    ///
    /// Those of the store. [`MemoryStore`] has none.
    pub async fn invalidate(&self, uri: &Uri) -> Result<(), St::Error> {
        let resource = Resource::new(uri, &HeaderMap::new());
        self.count_failure(self.shared.store.invalidate(&resource).await)
    }

    /// Removes everything stored for a URI and for those of the same authority that start with it:
    /// `https://example.com/users` takes `/users/1` and `/users?page=2` along, and `/usersettings`
    /// too. Responses to requests already under way are not stored any more.
    ///
    /// # Errors
    ///
    /// Those of the store. [`MemoryStore`] has none; it looks at every entry.
    pub async fn invalidate_prefix(&self, uri: &Uri) -> Result<(), St::Error> {
        let prefix = Resource::new(uri, &HeaderMap::new());
        self.count_failure(self.shared.store.invalidate_prefix(&prefix).await)
    }

    /// Removes every response that bore a tag: see
    /// [`tag_header`](crate::HttpCacheLayer::tag_header). Responses to requests already under way
    /// are not stored any more.
    ///
    /// # Errors
    ///
    /// Those of the store. [`MemoryStore`] has none; it looks at every entry.
    pub async fn invalidate_tag(&self, tag: &str) -> Result<(), St::Error> {
        self.count_failure(self.shared.store.invalidate_tag(tag).await)
    }

    /// Removes everything. Responses to requests already under way are not stored any more. The
    /// counters of [`stats`](Self::stats) go on.
    ///
    /// # Errors
    ///
    /// Those of the store. [`MemoryStore`] has none.
    pub async fn clear(&self) -> Result<(), St::Error> {
        self.count_failure(self.shared.store.clear().await)
    }

    fn count_failure(&self, result: Result<(), St::Error>) -> Result<(), St::Error> {
        if result.is_err() {
            self.shared.counters.store_errors.add_one();
        }
        result
    }
}

// Not derived: the store itself need not be `Clone`.
impl<St> Clone for CacheHandle<St> {
    fn clone(&self) -> Self {
        Self::new(Arc::clone(&self.shared))
    }
}
