//! Keeps responses of any service for a while, under a key of the request.
//!
//! Use it where a service is asked the same again and again, its responses are cheap to clone, and
//! an answer may be as old as you say. Put what is not cheap to clone behind an `Arc`.
//!
//! ```
//! use std::{convert::Infallible, time::Duration};
//! use tower::{Layer, Service, ServiceExt, service_fn};
//! use tower_ttl_cache::memo::MemoLayer;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Infallible> {
//! let layer = MemoLayer::new(|name: &String| Some(name.clone()), Duration::from_secs(30))
//!     .max_entries(1_000);
//! let mut service = layer.layer(service_fn(|name: String| async move {
//!     Ok::<_, Infallible>(name.len())
//! }));
//!
//! for _ in 0..3 {
//!     assert_eq!(service.ready().await?.call("tower".to_owned()).await?, 5);
//! }
//! assert_eq!(layer.handle().stats().hits, 2);
//! # Ok(())
//! # }
//! ```
//!
//! With a weight, and a lifetime that the response decides:
//!
//! ```
//! use std::time::Duration;
//! use tower_ttl_cache::memo::MemoLayer;
//!
//! let layer = MemoLayer::new(|path: &String| Some(path.clone()), Duration::from_secs(30))
//!     .max_weight(16 << 20, |answer: &String| answer.len())
//!     .ttl_of(|answer| Duration::from_secs(if answer.is_empty() { 1 } else { 30 }));
//! let handle = layer.handle();
//! handle.invalidate(&"/".to_owned());
//! ```
//!
//! Equal requests at the same time are one call. When the one that calls goes away, exactly one of
//! those who wait calls in its place. Errors are neither kept nor shared: those who waited call at
//! once. What is past its lifetime stays until it is replaced, invalidated or evicted; the bounds,
//! exact at every moment, count it.
//!
//! # Cost
//!
//! A hit clones the response and takes one lock for a hash lookup. A miss takes four
//! locks. Memory: the bounds, and 4 KiB.

mod future;
mod handle;
mod layer;
mod service;
mod stats;
mod store;

pub use self::{
    future::ResponseFuture, handle::MemoHandle, layer::MemoLayer, service::Memo, stats::MemoStats,
};
