//! Keys that an issuer publishes.

mod future;
mod keys;
mod state;

pub use self::{future::RemoteKeysFuture, keys::RemoteKeys};
