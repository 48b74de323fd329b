//! The cache of HTTP responses. What is public is re-exported at the crate root.

mod ask;
mod body;
mod cache_status;
mod conditional;
mod credential;
mod date;
mod directives;
mod entry;
mod fill;
mod future;
mod handle;
mod key;
mod layer;
mod learn;
mod list;
mod location;
mod outcome;
mod policy;
mod range;
mod refresh;
mod seed;
mod service;
mod shared;
mod spawn;
mod stats;
pub mod store;
mod targeted;
mod vary;

pub use self::{
    body::CacheBody,
    future::ResponseFuture,
    handle::CacheHandle,
    layer::HttpCacheLayer,
    outcome::{BypassReason, CacheOutcome, CacheOverride, StaleReason},
    policy::SetCookie,
    refresh::Refresh,
    service::HttpCache,
    spawn::{NoSpawn, Spawn, TokioSpawn},
    stats::{Bypassed, Stats},
};
