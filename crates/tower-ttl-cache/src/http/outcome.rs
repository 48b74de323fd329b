use std::time::Duration;

/// What the cache did with a request: an extension of every response it returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CacheOutcome {
    /// Answered from the store; the inner service was not called.
    Hit,
    /// The inner service answered, because nothing stored could. Whether its answer was stored is
    /// known only when its body has ended.
    Miss,
    /// The store took no part: nothing was looked up and nothing will be stored.
    Bypass(BypassReason),
}

/// Why a request went past the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BypassReason {
    /// The method is not `GET`. A method that is not safe also invalidates what is stored for the
    /// URI, unless the answer is an error (RFC 9111 section 4.4).
    Method,
    /// The request asks for a range of the body.
    Range,
    /// The request carries a precondition, such as `If-None-Match`.
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
