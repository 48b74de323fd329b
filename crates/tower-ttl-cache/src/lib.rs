//! Keeps HTTP responses for as long as they say they are fresh, and answers with them: RFC 9111 as
//! a tower layer.
//!
//! Use it on a client in front of the connection, or on a server in front of a handler, where equal
//! `GET` requests recur and an answer may be as old as its `Cache-Control` allows. It does not help
//! where responses differ from call to call. For services that do not speak HTTP there is [`memo`].
//!
#![cfg_attr(feature = "http", doc = "```")]
#![cfg_attr(not(feature = "http"), doc = "```text")]
//! use http::{Request, Response};
//! use http_body_util::BodyExt;
//! use tower::{Layer, Service, ServiceExt, service_fn};
//! use tower_ttl_cache::{CacheOutcome, HttpCacheLayer, store::MemoryStore};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let layer = HttpCacheLayer::private(MemoryStore::new());
//! let mut service = layer.layer(service_fn(|_: Request<String>| async {
//!     Response::builder()
//!         .header("cache-control", "max-age=60")
//!         .body("cold".to_owned())
//! }));
//!
//! let request = || Request::get("https://example.com/weather").body(String::new());
//!
//! let response = service.ready().await?.call(request()?).await?;
//! assert_eq!(response.extensions().get(), Some(&CacheOutcome::Miss));
//! assert_eq!(response.into_body().collect().await?.to_bytes(), "cold");
//!
//! let response = service.ready().await?.call(request()?).await?;
//! assert_eq!(response.extensions().get(), Some(&CacheOutcome::Hit));
//! assert_eq!(response.headers()["age"], "0");
//! # Ok(())
//! # }
//! ```
//!
//! A response is in the store once its body has been read to the end.
//!
//! With bounds of its own, a lifetime for responses that name none, and a handle to look in from
//! outside:
//!
#![cfg_attr(feature = "http", doc = "```")]
#![cfg_attr(not(feature = "http"), doc = "```text")]
//! use std::time::Duration;
//! use http::Uri;
//! use tower_ttl_cache::{HttpCacheLayer, store::MemoryStore};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let store = MemoryStore::new()
//!     .max_entries(128)
//!     .max_bytes(16 * 1024 * 1024);
//! let layer = HttpCacheLayer::private(store)
//!     .default_ttl(Duration::from_secs(300))
//!     .max_object_bytes(64 * 1024);
//!
//! let handle = layer.handle();
//! handle.invalidate(&Uri::from_static("https://example.com/weather")).await?;
//! handle.clear().await?;
//! assert_eq!(handle.stats().hit_ratio(), 0.0);
//! # Ok(())
//! # }
//! ```
//!
//! # What is stored
//!
//! A final response to a `GET`, when its body has ended with the length it announced (RFC 9111
//! section 3), if
//!
//! - it has a lifetime: `s-maxage` (shared mode), `max-age`, `Expires`, a
//!   [targeted field](HttpCacheLayer::targeted_fields), or one that you set: the
//!   [default](HttpCacheLayer::default_ttl) or the [heuristic](HttpCacheLayer::heuristic), both
//!   unset unless you set them; or it has none, but an `ETag` or `Last-Modified` by which it can be
//!   validated;
//! - neither side says `no-store`, and the response does not say `private` to a shared cache;
//! - it has no [`Set-Cookie`](SetCookie) and does not vary on `*`;
//! - its body is within [`max_object_bytes`](HttpCacheLayer::max_object_bytes), has no trailers,
//!   and is no part (206).
//!
//! A response with `Vary` is stored beside those to other values of the headers it names, up to
//! [`max_variants`](HttpCacheLayer::max_variants). Answers carry `Age`, the `Date` of the original,
//! and none of the headers that belonged to its connection; extensions of the original are not
//! kept.
//!
//! # What it answers
//!
//! `GET` and `HEAD`, whole or one range of bytes; and 304 to a client whose `If-None-Match` or
//! `If-Modified-Since` says that it has the stored response. A response past its lifetime is
//! validated and answers again when the inner service says that it still holds. It answers without
//! that
//!
//! - while it is being validated, if it says `stale-while-revalidate` or the
//!   [layer](HttpCacheLayer::stale_while_revalidate) does, and the cache can
//!   [spawn](HttpCacheLayer::spawn);
//! - when the inner service fails, if it says `stale-if-error` or the
//!   [layer](HttpCacheLayer::stale_if_error) does;
//! - when the request says `max-stale`;
//!
//! but never if it says `no-cache` or `must-revalidate`, or, in a shared cache,
//! `proxy-revalidate` or `s-maxage`.
//!
//! A request with `Cache-Control: no-cache` or `max-age=0` has the response validated or fetched
//! anew; `max-age` and `min-fresh` limit what will do, `only-if-cached` forbids to ask, `no-store`
//! goes past the store. All of that can be [disregarded](HttpCacheLayer::disregard_requests).
//! Several ranges, `If-Match`, upgrades, requests with content and other methods go past the store,
//! and so does a request with [`CacheOverride::bypass`]. A method that is not safe invalidates its
//! URI once it has succeeded, and the URIs of the same origin that its response names in `Location`
//! and `Content-Location`. [`CacheOutcome`], an extension of every response, tells which it was.
//!
//! # Equal requests at the same time
//!
//! are one call: the first calls, the others wait and are answered from the store. When the first
//! goes away, its future or its body dropped, exactly one of the others calls. A response that
//! cannot be stored, or has no lifetime, goes to the one who called; the others call at once, all
//! of them, and for 10 s nobody waits for such a response. After an error of the inner service
//! they do the same. Waiting [has a limit](HttpCacheLayer::coalesce).
//!
//! # Whom it answers
//!
//! The key is method, scheme, authority (or `Host`), path, query and, in
//! [private](HttpCacheLayer::private) mode, a digest of the credential: `Authorization`, `Cookie`
//! and the user information of the URI. Everything but the digests is compared in full. A
//! [shared](HttpCacheLayer::shared) cache has no credential in the key and relies on what
//! responses say.
//!
//! Whatever else an answer depends on, the response must name in `Vary`. Above all this holds for
//! credentials in headers of other names, such as `x-api-key`: a service behind such a header that
//! does not say `Vary: x-api-key` must not be cached in front of it.
//!
//! # Order of layers
//!
//! On a client the cache stands outside of retry and limits, so that an answer from the store costs
//! neither. On a server it stands inside of authentication and permission: a stored answer must not
//! be had without them. Compression goes inside, with `Vary: accept-encoding`, or outside, where
//! every answer is compressed anew; with [generated tags](HttpCacheLayer::generate_etag) it goes
//! inside.
//!
//! # Cost
//!
//! A hit: one key of a few hundred bytes, one lock for one hash lookup, a clone of the headers and
//! of the inner service, SHA-256 over a credential or over what a `Vary` names; no byte of the body
//! is copied. A miss copies its body once while it passes, and the request's headers. Memory: the
//! bounds of the [`MemoryStore`](store::MemoryStore), exact at every moment, and what responses
//! under way hold back, together no more than
//! [`max_in_flight_bytes`](HttpCacheLayer::max_in_flight_bytes).
//!
//! When the store fails, requests go on without it; see [`Store`](store::Store).
//!
//! # Features
//!
//! | feature | |
//! |---|---|
//! | `http` (default) | the HTTP cache; without it there is [`memo`] |
//! | `redis` | `store::RedisStore`: entries that several processes share |
//! | `serde` | `Serialize` for statistics |

#[cfg_attr(
    not(feature = "http"),
    allow(dead_code, reason = "a part of it is for the HTTP cache alone")
)]
mod flight;
#[cfg(feature = "http")]
mod http;
pub mod memo;
#[cfg_attr(
    not(feature = "http"),
    allow(dead_code, reason = "a part of it is for the HTTP cache alone")
)]
mod sieve;

#[cfg(feature = "http")]
pub use self::http::{
    BypassReason, Bypassed, CacheBody, CacheHandle, CacheOutcome, CacheOverride, HttpCache,
    HttpCacheLayer, NoSpawn, Refresh, ResponseFuture, SetCookie, Spawn, StaleReason, Stats,
    TokioSpawn, store,
};

#[cfg(all(doctest, feature = "http"))]
#[doc = include_str!("../README.md")]
struct Readme;
