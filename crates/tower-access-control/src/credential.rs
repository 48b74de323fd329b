use std::{fmt, ops::Range};

use http::{HeaderMap, HeaderName, HeaderValue, header::AUTHORIZATION};

use crate::Rejection;

const BEARER: &[u8] = b"bearer ";

/// Where credentials are looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// `Authorization: Bearer …` (RFC 6750 section 2.1).
    Bearer,
    /// A header of its own, such as `X-Api-Key`.
    Header(HeaderName),
}

impl Place {
    /// The credential in this place. An empty one is none.
    ///
    /// # Errors
    ///
    /// [`Rejection::RepeatedCredential`] when the header occurs twice, whatever is in it: which
    /// one counts, others on the way may decide differently.
    pub fn read(&self, headers: &HeaderMap) -> Result<Option<Credential>, Rejection> {
        let name = match self {
            Self::Bearer => &AUTHORIZATION,
            Self::Header(name) => name,
        };
        let mut values = headers.get_all(name).iter();
        let Some(value) = values.next() else {
            return Ok(None);
        };
        if values.next().is_some() {
            return Err(Rejection::RepeatedCredential);
        }
        let bytes = value.as_bytes();
        let text = match self {
            Self::Bearer => match bytes.split_at_checked(BEARER.len()) {
                Some((scheme, text)) if scheme.eq_ignore_ascii_case(BEARER) => text,
                _ => return Ok(None),
            },
            Self::Header(_) => bytes,
        };
        let skipped = bytes.len() - text.trim_ascii_start().len();
        let range = skipped..skipped + text.trim_ascii().len();
        Ok((!range.is_empty()).then(|| Credential {
            value: value.clone(),
            range,
        }))
    }
}

/// A credential as it was sent. `Debug` doesn't show it.
#[derive(Clone)]
pub struct Credential {
    value: HeaderValue,
    range: Range<usize>,
}

impl Credential {
    /// Its bytes, without the white space around them.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.value.as_bytes().get(self.range.clone()).unwrap_or(&[])
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credential(..)")
    }
}
