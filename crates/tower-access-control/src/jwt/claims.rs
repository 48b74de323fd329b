use std::{
    fmt,
    time::{Duration, SystemTime},
};

use serde::Deserialize;

/// What a token says, once it is known to be good.
///
/// `Debug` shows none of it.
pub struct Claims<'a> {
    pub(super) payload: &'a [u8],
    pub(super) registered: &'a Registered,
}

/// The claims with a meaning for everybody (RFC 7519 section 4.1).
#[derive(Deserialize)]
pub(super) struct Registered {
    pub(super) exp: Option<f64>,
    pub(super) nbf: Option<f64>,
    pub(super) iss: Option<String>,
    pub(super) sub: Option<String>,
    pub(super) aud: Option<Audience>,
}

#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Audience {
    One(String),
    Several(Vec<String>),
}

impl Audience {
    pub(super) fn contains(&self, name: &str) -> bool {
        match self {
            Self::One(only) => only == name,
            Self::Several(names) => names.iter().any(|each| each == name),
        }
    }
}

/// Seconds since 1970, also broken ones. `None` where there is no such time.
pub(super) fn time(seconds: f64) -> Option<SystemTime> {
    let since = Duration::try_from_secs_f64(seconds).ok()?;
    SystemTime::UNIX_EPOCH.checked_add(since)
}

impl<'a> Claims<'a> {
    /// `sub`: whom it is about.
    #[must_use]
    pub fn subject(&self) -> Option<&'a str> {
        self.registered.sub.as_deref()
    }

    /// `iss`: who says so.
    #[must_use]
    pub fn issuer(&self) -> Option<&'a str> {
        self.registered.iss.as_deref()
    }

    /// All claims, in a type of your own; `None` when they don't fit in it.
    #[must_use]
    pub fn parse<T: Deserialize<'a>>(&self) -> Option<T> {
        serde_json::from_slice(self.payload).ok()
    }
}

impl fmt::Debug for Claims<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claims").finish_non_exhaustive()
    }
}
