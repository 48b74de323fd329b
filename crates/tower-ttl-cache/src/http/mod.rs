//! The cache of HTTP responses. What is public is re-exported at the crate root.

mod ask;
mod body;
mod credential;
mod directives;
mod entry;
mod fill;
mod future;
mod handle;
mod key;
mod layer;
mod outcome;
mod policy;
mod seed;
mod service;
mod shared;
mod stats;
pub mod store;
mod vary;

pub use self::{
    body::CacheBody,
    future::ResponseFuture,
    handle::CacheHandle,
    layer::HttpCacheLayer,
    outcome::{BypassReason, CacheOutcome, CacheOverride},
    service::HttpCache,
    stats::Stats,
};
