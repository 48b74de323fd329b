//! Each delivery once: [`ReplayGuardLayer`] and the stores it remembers deliveries in.
//!
//! The guard stands inside [`VerifyWebhookLayer`](crate::VerifyWebhookLayer): only what is verified
//! can claim anything. It goes by [`Verified::replay_key`](crate::Verified::replay_key), which is
//! made from what is signed, and not by an id that anyone who captured a request can change.
//!
//! | the delivery | answer |
//! |---|---|
//! | is new | the inner service's; a success (2xx) is remembered, anything else, an error, a panic or a dropped future releases the claim |
//! | was handled | 200 with `webhook-duplicate: true`, or the inner service's, if duplicates are [forwarded](ReplayGuardLayer::forward_duplicates) |
//! | is being handled | 409 with `Retry-After` |
//! | can't be looked up, or the store is full | 503 with `Retry-After` |
//!
//! ```
//! use tower::ServiceBuilder;
//! use tower_webhook_hmac::{Secret, VerifyWebhookLayer, replay::{MemoryReplay, ReplayGuardLayer}};
//!
//! # fn main() -> Result<(), tower_webhook_hmac::SecretError> {
//! let stack = ServiceBuilder::new()
//!     .layer(VerifyWebhookLayer::github(Secret::new("It's a Secret to Everybody")?))
//!     .layer(ReplayGuardLayer::new(MemoryReplay::new(100_000)));
//! # let _ = stack;
//! # Ok(())
//! # }
//! ```

mod claims;
mod future;
mod layer;
mod memory;
#[cfg(feature = "redis")]
mod redis;
mod service;
mod store;
mod verdict;

#[cfg(feature = "redis")]
pub use self::redis::{RedisReplay, RedisReplayError};
pub use self::{
    future::ReplayFuture,
    layer::ReplayGuardLayer,
    memory::MemoryReplay,
    service::ReplayGuard,
    store::{Claimed, ReplayError, ReplayStore, Ticket},
    verdict::Replay,
};
