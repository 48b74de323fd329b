use std::{error, fmt, str::FromStr, sync::Arc};

/// What all keys of a product begin with, so that people and secret scanners know one when they
/// see it: `acme`, `acme_live`.
///
/// 1 to 32 lower case letters, digits and underscores, with a letter first and no underscore last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prefix(Arc<str>);

impl Prefix {
    /// As text, without the underscore that follows it in a key.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What follows the prefix and its underscore.
    pub(super) fn strip<'a>(&self, text: &'a [u8]) -> Option<&'a [u8]> {
        text.strip_prefix(self.0.as_bytes())?.strip_prefix(b"_")
    }
}

impl FromStr for Prefix {
    type Err = PrefixError;

    fn from_str(text: &str) -> Result<Self, PrefixError> {
        let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        if (1..=32).contains(&text.len())
            && text.bytes().all(legal)
            && text.starts_with(|first: char| first.is_ascii_lowercase())
            && !text.ends_with('_')
        {
            Ok(Self(text.into()))
        } else {
            Err(PrefixError)
        }
    }
}

/// A [`Prefix`] is 1 to 32 lower case letters, digits and underscores, from a letter to no
/// underscore.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PrefixError;

impl fmt::Display for PrefixError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key's prefix is 1 to 32 lower case letters, digits and underscores")
    }
}

impl error::Error for PrefixError {}
