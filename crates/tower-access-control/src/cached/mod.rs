//! What was verified need not be verified again.

mod authenticator;
mod entries;

pub use self::authenticator::{CacheHandle, Cached, CachedFuture};
