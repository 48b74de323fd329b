use std::{sync::Arc, time::SystemTime};

#[cfg(feature = "ed25519")]
use crate::PublicKey;
use crate::Secret;

/// What a signature is checked with.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Key {
    /// Known to both sides.
    Shared(Secret),
    /// The provider's.
    #[cfg(feature = "ed25519")]
    Public(PublicKey),
}

impl From<Secret> for Key {
    fn from(secret: Secret) -> Self {
        Self::Shared(secret)
    }
}

#[cfg(feature = "ed25519")]
impl From<PublicKey> for Key {
    fn from(key: PublicKey) -> Self {
        Self::Public(key)
    }
}

/// The secrets a signature may be made with: one, or several while one replaces another.
///
/// Never empty. A request passes when any of them made its signature. A clone shares them.
#[derive(Debug, Clone)]
pub struct Secrets {
    newest: Key,
    /// `None` while there is but one, the case that must cost nothing.
    older: Option<Arc<Vec<Older>>>,
}

#[derive(Debug, Clone)]
struct Older {
    key: Key,
    until: Option<SystemTime>,
}

impl Secrets {
    /// The secret in use, number 0 of [`Verified::key_index`](crate::Verified::key_index).
    #[must_use]
    pub fn new(newest: impl Into<Key>) -> Self {
        Self {
            newest: newest.into(),
            older: None,
        }
    }

    /// Also accepts a secret older than those given so far. It gets the next number.
    #[must_use]
    pub fn previous(self, older: impl Into<Key>) -> Self {
        self.push(older.into(), None)
    }

    /// Like [`previous`](Self::previous), until this moment and no longer.
    #[must_use]
    pub fn previous_until(self, older: impl Into<Key>, until: SystemTime) -> Self {
        self.push(older.into(), Some(until))
    }

    fn push(mut self, key: Key, until: Option<SystemTime>) -> Self {
        let older = self.older.get_or_insert_default();
        Arc::make_mut(older).push(Older { key, until });
        self
    }

    pub(crate) fn newest(&self) -> &Key {
        &self.newest
    }

    /// Whether one of them ends at a time.
    pub(crate) fn end(&self) -> bool {
        let mut older = self.older.iter().flat_map(|older| older.iter());
        older.any(|older| older.until.is_some())
    }

    /// With their numbers, from 1 on.
    pub(crate) fn older(&self, now: SystemTime) -> impl Iterator<Item = (usize, &Key)> {
        let older = self.older.as_ref().map_or(&[][..], |older| &older[..]);
        (1..)
            .zip(older)
            .filter(move |(_, older)| older.until.is_none_or(|until| now <= until))
            .map(|(index, older)| (index, &older.key))
    }
}

impl From<Key> for Secrets {
    fn from(key: Key) -> Self {
        Self::new(key)
    }
}

impl From<Secret> for Secrets {
    fn from(secret: Secret) -> Self {
        Self::new(secret)
    }
}

#[cfg(feature = "ed25519")]
impl From<PublicKey> for Secrets {
    fn from(key: PublicKey) -> Self {
        Self::new(key)
    }
}
