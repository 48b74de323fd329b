//! Retrying HTTP requests (feature `http`).
//!
//! [`HttpPolicy`] repeats a request only if that is safe and worth it:
//!
//! - The **request** is idempotent by its method (RFC 9110 section 9.2.2), or carries an
//!   `Idempotency-Key`; every attempt carries the same key ([`is_idempotent`]). Or the caller vouches
//!   for it with the extension [`Repeatable`].
//! - The **status** says that the failure may pass ([`is_transient`], or gRPC's UNAVAILABLE in the
//!   headers), or a closure says so of the transport's error.
//! - `Retry-After` of a 429 or 503 is honoured, as seconds or as a date ([`retry_after`]); without
//!   it, the time in `RateLimit-Reset` or `RateLimit`. gRPC's `grpc-retry-pushback-ms` comes before
//!   both, and may forbid a retry.
//! - The **deadline** is the layer's, or the request's own in the extension [`Deadline`], whichever
//!   comes first.
//!
//! ```
//! use http::{Request, Response, StatusCode};
//! use std::io;
//! use tower::{Service, ServiceBuilder, ServiceExt};
//! use tower_retry_backoff::{Retried, RetryLayer, Verdict, http::HttpPolicy};
//! # use std::sync::{Arc, atomic::{AtomicU32, Ordering::Relaxed}};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let calls = Arc::new(AtomicU32::new(0));
//! # let upstream = tower::service_fn(move |_: Request<&'static str>| {
//! #     let status = if calls.fetch_add(1, Relaxed) < 1 { 503 } else { 200 };
//! #     async move { Ok::<_, io::Error>(Response::builder().status(status).body("").unwrap()) }
//! # });
//! let policy = HttpPolicy::new(|error: &io::Error| match error.kind() {
//!     io::ErrorKind::ConnectionReset | io::ErrorKind::TimedOut => Verdict::retry(),
//!     _ => Verdict::Forbid,
//! });
//!
//! // This upstream answers 503 once, then 200.
//! let mut client = ServiceBuilder::new().layer(RetryLayer::new(policy)).service(upstream);
//! let response = client.ready().await?.call(Request::get("/").body("")?).await?;
//! assert_eq!(response.status(), StatusCode::OK);
//! assert_eq!(response.extensions().get().map(Retried::attempts), Some(2));
//! # Ok(())
//! # }
//! ```
//!
//! # What the neighbours see
//!
//! - Services below find the number of the attempt as the request extension [`Attempt`].
//! - The caller finds [`Retried`](crate::Retried) in the extensions of a response that took more
//!   than one attempt, or that was given up.
//! - A caller that wants to know the retries made also when an error comes back, or when a timeout
//!   above gives up, puts a [`RetryCount`] into the request's extensions and keeps a clone.
//! - A second retry layer with this policy further down recognises the first by [`Attempt`] and
//!   passes its requests through: attempts don't multiply.
//!
//! # Bodies
//!
//! A request is cloned, body and all: cheap with a body like `Full<Bytes>`. A body that streams is
//! made repeatable by a layer above that wraps it into a [`ReplayBody`], which keeps what was sent,
//! up to a limit, and by the policy [`Replaying`], which notices when it was more. Then, and when the
//! body itself failed, the result of the attempt is the call's result.
//!
//! ```
//! use std::convert::Infallible;
//!
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use http_body_util::Full;
//! use tower::{Service, ServiceBuilder};
//! use tower_retry_backoff::{RetryLayer, Verdict};
//! use tower_retry_backoff::http::{HttpPolicy, ReplayBody, Replaying};
//!
//! type Upload = Full<Bytes>; // or one that streams
//!
//! fn client<S>(transport: S) -> impl Service<Request<Upload>, Response = Response<()>>
//! where
//!     S: Service<Request<ReplayBody<Upload>>, Response = Response<()>, Error = Infallible> + Clone,
//! {
//!     let policy = HttpPolicy::new(|_: &Infallible| Verdict::Forbid);
//!     ServiceBuilder::new()
//!         .map_request(|request: Request<Upload>| request.map(|body| ReplayBody::new(body, 64 << 10)))
//!         .layer(RetryLayer::new(Replaying::new(policy)))
//!         .service(transport)
//! }
//! ```
//!
//! # Cost
//!
//! The extension of the first attempt costs an eligible request one to three small allocations;
//! [`HttpPolicy::number_retries_only`] saves them.

#[cfg(feature = "persist")]
mod codec;
mod extensions;
mod hint;
mod policy;
mod replay;
mod retry_after;

#[cfg(feature = "persist")]
pub use codec::HttpCodec;
pub use extensions::{Attempt, Deadline, Repeatable, RetryCount};
pub use policy::{HttpPolicy, is_idempotent, is_transient};
pub use replay::{ReplayBody, ReplayError, Replaying};
pub use retry_after::retry_after;
