use std::fmt;

use subtle::ConstantTimeEq;

/// The longest: HMAC-SHA512, and an Ed25519 signature.
const MAX: usize = 64;

/// A signature as bytes. `Debug` doesn't show them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tag {
    bytes: [u8; MAX],
    /// At most `MAX`; the bytes beyond are zero.
    len: u8,
}

impl Tag {
    /// Cut to `MAX` bytes, which no algorithm here exceeds.
    pub(crate) fn new(bytes: &[u8]) -> Self {
        let mut tag = Self {
            bytes: [0; MAX],
            len: 0,
        };
        for (to, from) in tag.bytes.iter_mut().zip(bytes) {
            *to = *from;
            tag.len += 1;
        }
        tag
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }

    /// In constant time; only the lengths, which are public, may tell.
    pub(crate) fn matches(&self, other: &Self) -> bool {
        self.as_bytes().ct_eq(other.as_bytes()).into()
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tag(..)")
    }
}
