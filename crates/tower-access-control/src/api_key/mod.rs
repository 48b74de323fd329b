//! Keys for programs.

mod authenticator;
mod base62;
mod crc32;
mod digest;
mod key;
mod memory;
mod prefix;
mod store;

pub use self::{
    authenticator::{ApiKeyFuture, ApiKeys},
    digest::KeyDigest,
    key::{ApiKey, KeyId, MalformedKey, NoRandomness},
    memory::MemoryKeyStore,
    prefix::{Prefix, PrefixError},
    store::{KeyStore, StoredKey},
};
