use std::hash::{BuildHasher, RandomState};

use sha2::{Digest, Sha256};

/// Keys the digests of credentials and of the header values a `Vary` names.
///
/// Such values may be secrets, so neither they nor a digest that can be looked up in a table is
/// kept. SHA-256 behind a secret prefix: two different values have the same 256-bit digest with
/// negligible probability, so comparing digests is as good as comparing the values.
#[derive(Clone)]
pub(crate) struct Seed([u8; 32]);

impl Seed {
    /// `RandomState` is keyed from the system's random source; its outputs under that key fill
    /// the seed.
    pub(crate) fn random() -> Self {
        let source = RandomState::new();
        let mut seed = [0; 32];
        for (word, chunk) in (0_u64..).zip(seed.chunks_exact_mut(8)) {
            chunk.copy_from_slice(&source.hash_one(word).to_le_bytes());
        }
        Self(seed)
    }

    /// The same for every cache that is given the same secret.
    pub(crate) fn of(secret: &[u8]) -> Self {
        Self(Sha256::digest(secret).into())
    }

    pub(crate) fn digest(&self) -> KeyedDigest {
        KeyedDigest(Sha256::new_with_prefix(self.0))
    }
}

/// A digest in the making. Every part is framed by its tag and length, so that different
/// sequences of parts are different messages.
pub(crate) struct KeyedDigest(Sha256);

impl KeyedDigest {
    pub(crate) fn part(&mut self, tag: u8, part: &[u8]) {
        self.0.update([tag]);
        self.0.update((part.len() as u64).to_le_bytes());
        self.0.update(part);
    }

    pub(crate) fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}
