use std::borrow::Cow;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Deserializer, de::IgnoredAny};

use crate::Flaw;

/// Where the parts of a token are in its text (RFC 7515 section 7.1).
#[derive(Debug, Clone, Copy)]
pub(super) struct Parts {
    payload_at: usize,
    signature_at: usize,
}

/// What is read of a token's header; names by which keys could be smuggled in (`jwk`, `jku`,
/// `x5u`) are not. Nothing in it is to be believed yet.
#[derive(Deserialize)]
pub(super) struct Header<'a> {
    #[serde(borrow)]
    pub(super) alg: Cow<'a, str>,
    pub(super) kid: Option<Box<str>>,
    pub(super) typ: Option<Box<str>>,
    #[serde(default, deserialize_with = "present")]
    pub(super) crit: bool,
}

/// Whatever it holds, also `null`.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

impl Parts {
    pub(super) fn of(text: &[u8]) -> Result<Self, Flaw> {
        let mut dots = text
            .iter()
            .enumerate()
            .filter_map(|(place, byte)| (*byte == b'.').then_some(place));
        match (dots.next(), dots.next(), dots.next()) {
            (Some(first), Some(second), None) => Ok(Self {
                payload_at: first + 1,
                signature_at: second + 1,
            }),
            _ => Err(Flaw::Malformed),
        }
    }

    pub(super) fn header(self, text: &[u8]) -> Result<Vec<u8>, Flaw> {
        decode(text.get(..self.payload_at - 1))
    }

    pub(super) fn payload(self, text: &[u8]) -> Result<Vec<u8>, Flaw> {
        decode(text.get(self.payload_at..self.signature_at - 1))
    }

    pub(super) fn signature(self, text: &[u8]) -> Result<Vec<u8>, Flaw> {
        decode(text.get(self.signature_at..))
    }

    /// What the signature is over.
    pub(super) fn signed(self, text: &[u8]) -> Result<&[u8], Flaw> {
        text.get(..self.signature_at - 1).ok_or(Flaw::Malformed)
    }
}

fn decode(part: Option<&[u8]>) -> Result<Vec<u8>, Flaw> {
    let part = part.ok_or(Flaw::Malformed)?;
    URL_SAFE_NO_PAD.decode(part).map_err(|_| Flaw::Malformed)
}
