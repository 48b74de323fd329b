use http::{HeaderName, HeaderValue};

use crate::{Place, Rejection};

/// RFC 6750 section 3 asks for at least one parameter; this one says nothing that needs keeping.
const REALM: &str = "realm=\"api\"";

/// How a client can authenticate: an element of `WWW-Authenticate` (RFC 9110 section 11.6.1).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Challenge {
    /// `Bearer`.
    Bearer,
    /// `ApiKey`, with the name of the header that the key goes into.
    ApiKey(HeaderName),
}

impl From<&Place> for Challenge {
    fn from(place: &Place) -> Self {
        match place {
            Place::Bearer => Self::Bearer,
            Place::Header(name) => Self::ApiKey(name.clone()),
        }
    }
}

/// All challenges of a layer in one field, written once.
#[derive(Debug)]
pub(crate) struct Challenges {
    missing: HeaderValue,
    invalid: HeaderValue,
}

impl Challenges {
    pub(crate) fn new(mut list: Vec<Challenge>) -> Self {
        let mut known = Vec::new();
        list.retain(|challenge| {
            let new = !known.contains(challenge);
            if new {
                known.push(challenge.clone());
            }
            new
        });
        Self {
            missing: write(&list, ""),
            invalid: write(&list, ", error=\"invalid_token\""),
        }
    }

    /// What goes with the status 401, and with no other.
    pub(crate) fn answer(&self, rejection: &Rejection) -> Option<&HeaderValue> {
        match rejection {
            Rejection::MissingCredential => Some(&self.missing),
            Rejection::InvalidCredential(_) => Some(&self.invalid),
            _ => None,
        }
    }
}

fn write(list: &[Challenge], error: &str) -> HeaderValue {
    let elements: Vec<_> = list
        .iter()
        .map(|challenge| match challenge {
            Challenge::Bearer => format!("Bearer {REALM}{error}"),
            Challenge::ApiKey(name) => format!("ApiKey {REALM}, header=\"{name}\""),
        })
        .collect();
    // Header names are ASCII, and so is the rest.
    HeaderValue::try_from(elements.join(", "))
        .unwrap_or_else(|_| HeaderValue::from_static("Bearer realm=\"api\""))
}
