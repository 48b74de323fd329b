use std::{sync::Arc, time::Duration};

use http::{HeaderName, HeaderValue};
use tower_layer::Layer;

use super::{
    handle::CacheHandle,
    policy::{Mode, SetCookie},
    seed::Seed,
    service::HttpCache,
    shared::{Settings, Shared},
    spawn::NoSpawn,
    store::MemoryStore,
};

/// Caches HTTP responses: makes [`HttpCache`] services.
///
/// Clones, and every service they make, share one store and its statistics. See the
/// [crate documentation](crate).
#[derive(Debug)]
pub struct HttpCacheLayer<St = MemoryStore, Sp = NoSpawn> {
    shared: Arc<Shared<St>>,
    settings: Arc<Settings>,
    spawn: Sp,
}

impl<St> HttpCacheLayer<St> {
    /// A private cache: every credential has entries of its own.
    ///
    /// The key contains a digest of `Authorization` and `Cookie`, so that no caller is ever
    /// answered with what was stored for another. Responses marked `private` are stored, and
    /// `s-maxage` is ignored (RFC 9111 section 5.2.2). This is the mode for a client, and for a
    /// server that caches per principal.
    #[must_use]
    pub fn private(store: St) -> Self {
        Self::new(store, Mode::Private)
    }

    /// A shared cache: one entry answers every caller.
    ///
    /// Responses marked `private` are not stored and `s-maxage` goes before `max-age`. A request
    /// with `Authorization` takes part only where the response says `public`, `s-maxage` or
    /// `must-revalidate` (RFC 9111 section 3.5); that holds here for being answered as well as
    /// for being stored. A request with `Cookie` takes part only where the response names its
    /// lifetime itself; lifetimes of the cache's own making are not applied to it.
    #[must_use]
    pub fn shared(store: St) -> Self {
        Self::new(store, Mode::Shared)
    }

    fn new(store: St, mode: Mode) -> Self {
        Self {
            shared: Arc::new(Shared::new(store)),
            settings: Arc::new(Settings::new(mode)),
            spawn: NoSpawn,
        }
    }
}

/// # Lifetimes
impl<St, Sp> HttpCacheLayer<St, Sp> {
    /// The lifetime of a 200 that names none itself, counted from its arrival.
    ///
    /// Unset by default: then only responses with `max-age`, `s-maxage` or `Expires` are fresh.
    /// Whatever forbids storing still forbids it. [`Duration::ZERO`] is the same as unset.
    #[must_use]
    pub fn default_ttl(self, ttl: Duration) -> Self {
        self.with(|settings| settings.policy.default_ttl = Some(ttl))
    }

    /// Takes a response that names no lifetime for fresh for a tenth of the time since it was last
    /// modified, at most for `most` (RFC 9111 section 4.2.2). Off by default: it is a guess.
    ///
    /// The [default lifetime](Self::default_ttl) goes before it.
    #[must_use]
    pub fn heuristic(self, most: Duration) -> Self {
        self.with(|settings| settings.policy.heuristic = Some(most))
    }

    /// How long past its lifetime a response answers while it is being validated (RFC 5861 section
    /// 3), where it says nothing of it itself. Unset by default.
    ///
    /// It needs [`spawn`](Self::spawn): without, such a response is validated before it answers.
    #[must_use]
    pub fn stale_while_revalidate(self, window: Duration) -> Self {
        self.with(|settings| settings.policy.stale_while_revalidate = Some(window))
    }

    /// How long past its lifetime a response answers when the inner service returns an error or a
    /// 500, 502, 503 or 504 (RFC 5861 section 4), where it says nothing of it itself. Unset by
    /// default.
    ///
    /// Neither this nor what a response says of it goes before `no-cache`, `must-revalidate` or,
    /// in a shared cache, `proxy-revalidate` and `s-maxage` (RFC 9111 section 4.2.4).
    #[must_use]
    pub fn stale_if_error(self, window: Duration) -> Self {
        self.with(|settings| settings.policy.stale_if_error = Some(window))
    }

    /// Fields that go before `Cache-Control` and `Expires` if a response has them, the first of
    /// the list first (RFC 9213), such as `CDN-Cache-Control`. None by default: a field is meant
    /// for a class of caches, and only you know whether this is one of it.
    #[must_use]
    pub fn targeted_fields(self, names: impl IntoIterator<Item = HeaderName>) -> Self {
        self.with(|settings| settings.policy.targeted = names.into_iter().collect())
    }

    /// Disregards `Cache-Control` and `Pragma` of requests: for a server whose clients must not
    /// be able to have every request answered anew.
    #[must_use]
    pub fn disregard_requests(self) -> Self {
        self.with(|settings| settings.policy.heeds_requests = false)
    }
}

/// # What is stored
impl<St, Sp> HttpCacheLayer<St, Sp> {
    /// The longest body that is stored, in bytes. 1 MiB by default, which holds the usual answer
    /// of an interface and keeps one download from emptying the cache.
    ///
    /// It also bounds what a response in transit holds back: a body that grows past it streams
    /// on and what was kept of it is freed.
    #[must_use]
    pub fn max_object_bytes(self, bytes: usize) -> Self {
        self.with(|settings| settings.policy.max_object_bytes = bytes)
    }

    /// The most bytes that bodies on their way into the store hold together. 64 MiB by default,
    /// as much as the memory store holds by default. What exceeds it streams through and is not
    /// stored.
    #[must_use]
    pub fn max_in_flight_bytes(self, bytes: usize) -> Self {
        self.with(|settings| settings.max_in_flight_bytes = bytes)
    }

    /// The most variants of a response that varies, 16 by default; the oldest goes for a new one.
    /// 0 counts as 1.
    #[must_use]
    pub fn max_variants(self, variants: usize) -> Self {
        self.with(|settings| settings.max_variants = variants)
    }

    /// How the values of request headers that a response varies on are compared: gets the name and
    /// the value, several lines joined by commas, and gives what stands for it, or `None` for the
    /// value itself. Values that stand for the same are answered with the same response.
    ///
    /// By default, space and case make no difference in `Accept-Language`, `Accept-Encoding` and
    /// `Accept-Charset`, nor space in `Accept`; that is applied before.
    ///
    /// ```
    /// use http::header::ACCEPT_ENCODING;
    /// # use tower_ttl_cache::{HttpCacheLayer, store::MemoryStore};
    /// // The service compresses with gzip or not at all.
    /// let layer = HttpCacheLayer::shared(MemoryStore::new()).vary_normalize(|name, value| {
    ///     (name == ACCEPT_ENCODING).then(|| value.contains("gzip").to_string())
    /// });
    /// ```
    #[must_use]
    pub fn vary_normalize(self, normalize: fn(&HeaderName, &str) -> Option<String>) -> Self {
        self.with(|settings| settings.normalize = Some(normalize))
    }

    /// What becomes of a response with `Set-Cookie`: by default it is not stored.
    #[must_use]
    pub fn set_cookie(self, set_cookie: SetCookie) -> Self {
        self.with(|settings| settings.policy.set_cookie = set_cookie)
    }

    /// Gives a stored 200 without `ETag` one made of its body, so that clients that have it are
    /// answered 304. Off by default: it is SHA-256 over every body that is stored.
    ///
    /// Compression belongs inside of the cache then: outside, it would send other bytes under the
    /// same tag.
    #[must_use]
    pub fn generate_etag(self) -> Self {
        self.with(|settings| settings.generate_etag = true)
    }

    /// The response header that names the tags of a response, such as `Surrogate-Key` or
    /// `Cache-Tag`, separated by spaces or commas: see
    /// [`invalidate_tag`](CacheHandle::invalidate_tag). The header is passed on. None by default.
    #[must_use]
    pub fn tag_header(self, name: HeaderName) -> Self {
        self.with(|settings| settings.tag_header = Some(name))
    }

    /// A secret in place of the random one that digests of credentials and of selecting headers
    /// are keyed with. Caches with the same secret find each other's entries in a common store;
    /// without it, entries of a private cache and variants are found by the one that stored them
    /// alone.
    #[must_use]
    pub fn secret(self, secret: &[u8]) -> Self {
        self.with(|settings| settings.seed = Seed::of(secret))
    }
}

/// # Calls
impl<St, Sp> HttpCacheLayer<St, Sp> {
    /// How long a request waits for an equal one that is under way before it goes on its own. 5 s
    /// by default, so that one slow response does not become the delay of all;
    /// [`Duration::ZERO`] has every miss call the inner service.
    #[must_use]
    pub fn coalesce(self, wait: Duration) -> Self {
        self.with(|settings| settings.coalesce = wait)
    }

    /// Where responses are validated that have answered stale: [`TokioSpawn`](crate::TokioSpawn),
    /// or an executor of yours.
    #[must_use]
    pub fn spawn<New>(self, spawn: New) -> HttpCacheLayer<St, New> {
        HttpCacheLayer {
            shared: self.shared,
            settings: self.settings,
            spawn,
        }
    }

    /// Adds a member of this name to `Cache-Status` of every response (RFC 9211). Off by default:
    /// it tells outsiders what is cached.
    ///
    /// # Panics
    ///
    /// When the name is no token (RFC 9110 section 5.6.2) that starts with a letter.
    #[must_use]
    pub fn cache_status(self, name: &'static str) -> Self {
        let is_token = name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~:/".contains(&byte));
        assert!(
            is_token && name.starts_with(|first: char| first.is_ascii_alphabetic()),
            "the name of a cache is a token"
        );
        self.with(|settings| settings.cache_status = Some(HeaderValue::from_static(name)))
    }

    /// Statistics and invalidation of the store behind this layer.
    #[must_use]
    pub fn handle(&self) -> CacheHandle<St> {
        CacheHandle::new(Arc::clone(&self.shared))
    }

    /// Services made before keep the settings they were made with.
    fn with(mut self, set: impl FnOnce(&mut Settings)) -> Self {
        set(Arc::make_mut(&mut self.settings));
        self
    }
}

// Not derived: the store itself need not be `Clone`.
impl<St, Sp: Clone> Clone for HttpCacheLayer<St, Sp> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            settings: Arc::clone(&self.settings),
            spawn: self.spawn.clone(),
        }
    }
}

impl<S, St, Sp: Clone> Layer<S> for HttpCacheLayer<St, Sp> {
    type Service = HttpCache<S, St, Sp>;

    fn layer(&self, inner: S) -> Self::Service {
        HttpCache::new(
            inner,
            Arc::clone(&self.shared),
            Arc::clone(&self.settings),
            self.spawn.clone(),
        )
    }
}
