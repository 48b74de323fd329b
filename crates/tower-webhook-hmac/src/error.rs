use std::{error, fmt};

use http::header::InvalidHeaderValue;

/// Why bytes were refused as a [`Secret`](crate::Secret).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SecretError {
    /// Zero bytes: anyone can compute a signature under the empty key.
    Empty,
}

impl fmt::Display for SecretError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the webhook secret is empty"),
        }
    }
}

impl error::Error for SecretError {}

/// Why a signature couldn't be written into headers.
#[derive(Debug)]
#[non_exhaustive]
pub enum SignError {
    /// The signature as the scheme writes it isn't a legal header value.
    HeaderValue(InvalidHeaderValue),
}

impl fmt::Display for SignError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HeaderValue(_) => f.write_str("the signature doesn't fit into its header"),
        }
    }
}

impl error::Error for SignError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::HeaderValue(error) => Some(error),
        }
    }
}
