use std::fmt;

use hmac::{Hmac, KeyInit, Mac as _};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest as _, Sha256, Sha384, Sha512};

use crate::{Secret, tag::Tag};

/// A hash function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Hash {
    /// 16 bytes. Broken as a hash; some providers still use its HMAC.
    Md5,
    /// 20 bytes. Broken as a hash; some providers still use its HMAC.
    Sha1,
    /// 32 bytes.
    Sha256,
    /// 48 bytes.
    Sha384,
    /// 64 bytes.
    Sha512,
}

impl Hash {
    /// The length of its output in bytes.
    pub(crate) fn len(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }
}

macro_rules! states {
    ($name:ident, $finish:ident: $($case:ident($state:ty)),*) => {
        /// Larger than the common case, and so behind a pointer.
        enum $name { $($case($state)),* }

        impl $name {
            fn update(&mut self, bytes: &[u8]) {
                match self { $(Self::$case(state) => state.update(bytes)),* }
            }

            fn finish(self) -> Tag {
                match self { $(Self::$case(state) => Tag::new(&state.$finish()[..])),* }
            }
        }
    };
}

states!(Plain, finalize: Md5(Md5), Sha1(Sha1), Sha256(Sha256), Sha384(Sha384), Sha512(Sha512));
states!(Keyed, into_tag: Md5(Hmac<Md5>), Sha1(Hmac<Sha1>), Sha384(Hmac<Sha384>), Sha512(Hmac<Sha512>));

trait IntoTag {
    type Bytes;
    fn into_tag(self) -> Self::Bytes;
}

impl<M: hmac::Mac> IntoTag for M {
    type Bytes = hmac::digest::Output<M>;

    fn into_tag(self) -> Self::Bytes {
        self.finalize().into_bytes()
    }
}

/// A hash or keyed hash in the making, whatever the function.
pub(crate) struct Hasher(State);

enum State {
    /// By far the most common.
    HmacSha256(Hmac<Sha256>),
    Keyed(Box<Keyed>),
    Plain(Box<Plain>),
}

impl Hasher {
    pub(crate) fn plain(hash: Hash) -> Self {
        let state = match hash {
            Hash::Md5 => Plain::Md5(Md5::new()),
            Hash::Sha1 => Plain::Sha1(Sha1::new()),
            Hash::Sha256 => Plain::Sha256(Sha256::new()),
            Hash::Sha384 => Plain::Sha384(Sha384::new()),
            Hash::Sha512 => Plain::Sha512(Sha512::new()),
        };
        Self(State::Plain(Box::new(state)))
    }

    pub(crate) fn keyed(hash: Hash, secret: &Secret) -> Self {
        let key = secret.bytes();
        let keyed = match hash {
            Hash::Sha256 => return Self(State::HmacSha256(secret.hmac_sha256())),
            // HMAC takes a key of any length; only the signature of the constructor says
            // otherwise.
            Hash::Md5 => Hmac::new_from_slice(key).map(Keyed::Md5),
            Hash::Sha1 => Hmac::new_from_slice(key).map(Keyed::Sha1),
            Hash::Sha384 => Hmac::new_from_slice(key).map(Keyed::Sha384),
            Hash::Sha512 => Hmac::new_from_slice(key).map(Keyed::Sha512),
        };
        match keyed {
            Ok(keyed) => Self(State::Keyed(Box::new(keyed))),
            Err(_) => Self(State::HmacSha256(secret.hmac_sha256())),
        }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            State::HmacSha256(state) => state.update(bytes),
            State::Keyed(state) => state.update(bytes),
            State::Plain(state) => state.update(bytes),
        }
    }

    pub(crate) fn finish(self) -> Tag {
        match self.0 {
            State::HmacSha256(state) => Tag::new(&state.finalize().into_bytes()),
            State::Keyed(state) => state.finish(),
            State::Plain(state) => state.finish(),
        }
    }
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hasher(..)")
    }
}
