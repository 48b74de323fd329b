use std::{borrow::Cow, fmt, time::SystemTime};

use sha2::{Digest, Sha256};

use crate::{scheme::Spec, tag::Tag};

/// What is known of a request whose signature is right. The layer puts it among the extensions of
/// the request the inner service gets.
#[derive(Clone, PartialEq, Eq)]
pub struct Verified {
    scheme: Cow<'static, str>,
    key_index: usize,
    event: Option<String>,
    delivery: Option<String>,
    delivery_is_signed: bool,
    timestamp: Option<SystemTime>,
    /// Stands for what was signed.
    identity: Option<Tag>,
}

impl Verified {
    pub(crate) fn new(
        spec: &Spec,
        event: Option<String>,
        delivery: Option<String>,
        timestamp: Option<SystemTime>,
    ) -> Self {
        Self {
            scheme: spec.name.clone(),
            key_index: 0,
            event,
            delivery,
            delivery_is_signed: spec.id_is_signed,
            timestamp,
            identity: None,
        }
    }

    pub(crate) fn set_timestamp(&mut self, timestamp: SystemTime) {
        self.timestamp = Some(timestamp);
    }

    /// Those that were found in the body.
    pub(crate) fn set_labels(&mut self, event: Option<String>, delivery: Option<String>) {
        self.event = event.or(self.event.take());
        self.delivery = delivery.or(self.delivery.take());
    }

    pub(crate) fn by(self, key_index: usize, identity: Tag) -> Self {
        Self {
            key_index,
            identity: Some(identity),
            ..self
        }
    }

    /// The [name](crate::Scheme::name) of the scheme.
    #[must_use]
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// Which of the [`Secrets`](crate::Secrets) made the signature: 0 for the newest. Once it
    /// stays 0, the older ones can go.
    #[must_use]
    pub fn key_index(&self) -> usize {
        self.key_index
    }

    /// What happened, as the provider says (`X-GitHub-Event`). `None` when that is absent,
    /// repeated, or no UTF-8.
    ///
    /// Few providers sign such a header: whoever captured a request can send it with another.
    #[must_use]
    pub fn event(&self) -> Option<&str> {
        self.event.as_deref()
    }

    /// The provider's number for this delivery (`X-GitHub-Delivery`, `webhook-id`). `None` when
    /// it is absent, repeated, or no UTF-8.
    ///
    /// Unless it [is signed](Self::delivery_is_signed) it is good for finding a delivery in a log,
    /// not for refusing one that was seen before.
    #[must_use]
    pub fn delivery(&self) -> Option<&str> {
        self.delivery.as_deref()
    }

    /// Whether the signature covers [`delivery`](Self::delivery).
    #[must_use]
    pub fn delivery_is_signed(&self) -> bool {
        self.delivery_is_signed
    }

    /// When the provider signed, if the scheme says; within the tolerance.
    #[must_use]
    pub fn timestamp(&self) -> Option<SystemTime> {
        self.timestamp
    }

    /// The same for the same delivery, and for no other: made from what is signed, so that nobody
    /// who captured a request can give it another.
    ///
    /// That is the id where it is signed, and else the signature. A provider that signs the body
    /// alone, as GitHub does, gives two deliveries with equal bodies the same key.
    #[must_use]
    pub fn replay_key(&self) -> ReplayKey {
        let mut hash = Sha256::new();
        hash.update(self.scheme.as_bytes());
        match (&self.delivery, &self.identity) {
            (Some(id), _) if self.delivery_is_signed => {
                hash.update(b"\0id\0");
                hash.update(id.as_bytes());
            }
            (_, Some(tag)) => {
                hash.update(b"\0signature\0");
                hash.update(tag.as_bytes());
            }
            (_, None) => {}
        }
        ReplayKey(hash.finalize().into())
    }
}

impl fmt::Debug for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verified")
            .field("scheme", &self.scheme)
            .field("key_index", &self.key_index)
            .field("event", &self.event)
            .field("delivery", &self.delivery)
            .field("timestamp", &self.timestamp)
            .finish_non_exhaustive()
    }
}

/// What tells one delivery from another: see [`Verified::replay_key`].
///
/// A hash, which tells nothing of the signature it may have been made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ReplayKey(pub [u8; 32]);
