use std::{error, fmt};

use zeroize::{Zeroize, Zeroizing};

use super::{base62, crc32::crc32, digest::KeyDigest, prefix::Prefix};

/// 64 bits.
const ID: usize = 11;
/// 160 bits.
const SECRET: usize = 27;
/// 32 bits.
const CHECK: usize = 6;

/// A key as its holder has it: `prefix_id_secret_check`.
///
/// - id: 11 letters and digits, under which a store finds the key; not secret.
/// - secret: 27 letters and digits from 160 bits of the operating system's randomness.
/// - check: 6 letters and digits from the CRC-32 of all before, by which a typing error is told
///   from a wrong key without asking a store, and a scanner knows a key from chance text.
///
/// Made once, shown once, wiped when dropped; what is kept is its [`id`](Self::id) and
/// [`digest`](Self::digest). `Debug` shows the id alone.
pub struct ApiKey {
    text: Zeroizing<String>,
    id: KeyId,
}

impl ApiKey {
    /// A new key.
    ///
    /// # Errors
    ///
    /// When the operating system gives no random bytes.
    pub fn generate(prefix: &Prefix) -> Result<Self, NoRandomness> {
        let mut entropy = Zeroizing::new([0; 28]);
        getrandom::fill(&mut *entropy).map_err(|_| NoRandomness)?;
        Ok(Self::from_entropy(prefix, *entropy))
    }

    /// The key that these bytes make, for tests and for sources of randomness of your own. The
    /// first 8 are the id, the others the secret: a guess at them is a guess at the key.
    #[must_use]
    pub fn from_entropy(prefix: &Prefix, mut entropy: [u8; 28]) -> Self {
        let mut id = [0; ID];
        let mut secret = Zeroizing::new([0; SECRET]);
        let (id_bytes, secret_bytes) = entropy.split_at_mut(8);
        base62::write(id_bytes, &mut id);
        base62::write(secret_bytes, &mut *secret);
        entropy.zeroize();

        let length = prefix.as_str().len() + ID + SECRET + CHECK + 3;
        // With all its room from the start: nothing is left behind by growing.
        let mut text = Zeroizing::new(String::with_capacity(length));
        text.push_str(prefix.as_str());
        text.push('_');
        text.extend(id.iter().copied().map(char::from));
        text.push('_');
        text.extend(secret.iter().copied().map(char::from));
        let check = check(text.as_bytes());
        text.push('_');
        text.extend(check.iter().copied().map(char::from));
        Self {
            text,
            id: KeyId(id),
        }
    }

    /// Reads a key.
    ///
    /// # Errors
    ///
    /// When it isn't one with this prefix, or its check digits are wrong.
    pub fn parse(prefix: &Prefix, text: &str) -> Result<Self, MalformedKey> {
        let id = parse(prefix, text.as_bytes()).ok_or(MalformedKey)?;
        Ok(Self {
            text: Zeroizing::new(text.to_owned()),
            id,
        })
    }

    /// Under which a store finds it.
    #[must_use]
    pub const fn id(&self) -> KeyId {
        self.id
    }

    /// What a store keeps of it.
    #[must_use]
    pub fn digest(&self) -> KeyDigest {
        KeyDigest::of(self.text.as_bytes())
    }

    /// The whole key, to be handed to its holder.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKey")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// The id of a key that is written as keys are.
pub(super) fn parse(prefix: &Prefix, text: &[u8]) -> Option<KeyId> {
    let (id, rest) = prefix.strip(text)?.split_first_chunk::<ID>()?;
    let (secret, rest) = rest.strip_prefix(b"_")?.split_first_chunk::<SECRET>()?;
    let digits = rest.strip_prefix(b"_")?;
    let written = id.iter().chain(secret).copied().all(base62::is_digit);
    let before = text.get(..text.len() - digits.len() - 1)?;
    (written && digits == check(before)).then_some(KeyId(*id))
}

fn check(text: &[u8]) -> [u8; CHECK] {
    let mut digits = [0; CHECK];
    base62::write(&mut crc32(text).to_be_bytes(), &mut digits);
    digits
}

/// Names a key. Not secret.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId([u8; ID]);

impl KeyId {
    /// As it stands in the key: 11 letters and digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Only letters and digits come in.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

/// Not a key, or one with a typing error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MalformedKey;

impl fmt::Display for MalformedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("this is not an API key, or it is mistyped")
    }
}

impl error::Error for MalformedKey {}

/// The operating system gave no random bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoRandomness;

impl fmt::Display for NoRandomness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the operating system gave no random bytes")
    }
}

impl error::Error for NoRandomness {}
