use std::time::Duration;

/// What the cache did with a request: an extension of every response it returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CacheOutcome {
    /// Answered from the store; the inner service was not called.
    Hit,
    /// Answered from the store with a response past its lifetime.
    Stale(StaleReason),
    /// Answered from the store, after the inner service has said that it still holds.
    Revalidated,
    /// Answered from the store with the response to an equal request that was under way.
    Coalesced,
    /// The inner service answered, because nothing stored could. Whether its answer was stored is
    /// known only when its body has ended.
    Miss,
    /// Nothing stored could answer, and the request says `only-if-cached`: a 504 without content
    /// (RFC 9111 section 5.2.1.7).
    Unavailable,
    /// The store took no part: nothing was looked up and nothing will be stored.
    Bypass(BypassReason),
}

impl CacheOutcome {
    /// Whether the body came out of the store.
    #[must_use]
    pub const fn is_from_store(&self) -> bool {
        matches!(
            self,
            Self::Hit | Self::Stale(_) | Self::Revalidated | Self::Coalesced
        )
    }
}

/// Why a response past its lifetime answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StaleReason {
    /// It is being validated meanwhile (RFC 5861 section 3).
    WhileRevalidate,
    /// The inner service failed (RFC 5861 section 4).
    IfError,
    /// The request allows it with `max-stale` (RFC 9111 section 5.2.1.2).
    MaxStale,
}

/// Why a request went past the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BypassReason {
    /// The method is neither `GET` nor `HEAD`. A method that is not safe also invalidates what is stored for the
    /// URI, unless the answer is an error (RFC 9111 section 4.4).
    Method,
    /// The request asks for several ranges of the body, or in another unit than bytes.
    Range,
    /// The request carries a precondition that is not for a cache: `If-Match` or
    /// `If-Unmodified-Since`.
    Conditional,
    /// The request has content, which is not part of the key.
    Content,
    /// The request asks for another protocol.
    Upgrade,
    /// The request says `Cache-Control: no-store`.
    NoStore,
    /// The request carries [`CacheOverride::bypass`].
    Override,
}

/// What one request wants otherwise than the layer: a request extension.
///
/// ```
/// use std::time::Duration;
/// use tower_ttl_cache::CacheOverride;
///
/// # fn main() -> Result<(), http::Error> {
/// let request = http::Request::get("https://example.com/prices")
///     .extension(CacheOverride::default_ttl(Duration::from_secs(5)))
///     .body(())?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct CacheOverride {
    pub(crate) kind: Override,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Override {
    Bypass,
    DefaultTtl(Duration),
}

impl CacheOverride {
    /// Neither answers this request from the store nor stores its response.
    #[must_use]
    pub const fn bypass() -> Self {
        Self {
            kind: Override::Bypass,
        }
    }

    /// Takes the place of the layer's default lifetime for the response to this request.
    /// [`Duration::ZERO`] means none.
    #[must_use]
    pub const fn default_ttl(ttl: Duration) -> Self {
        Self {
            kind: Override::DefaultTtl(ttl),
        }
    }
}
