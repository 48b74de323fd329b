use http::{
    HeaderMap, Uri,
    header::{AUTHORIZATION, COOKIE},
};

use super::seed::Seed;

/// The strongest kind of credential a request carries. The order is that of caution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Credential {
    None,
    Cookie,
    Authorization,
}

impl Credential {
    /// Without headers, there is none in them.
    pub(crate) fn of(uri: &Uri, headers: Option<&HeaderMap>) -> Self {
        let has = |name| headers.is_some_and(|headers| headers.contains_key(name));
        if has(AUTHORIZATION) || userinfo(uri).is_some() {
            Self::Authorization
        } else if has(COOKIE) {
            Self::Cookie
        } else {
            Self::None
        }
    }
}

/// What tells the principals of a private cache apart, for a request that has a credential.
pub(crate) fn digest(seed: &Seed, uri: &Uri, headers: &HeaderMap) -> [u8; 32] {
    let mut digest = seed.digest();
    for value in headers.get_all(AUTHORIZATION) {
        digest.part(b'a', value.as_bytes());
    }
    for value in headers.get_all(COOKIE) {
        digest.part(b'c', value.as_bytes());
    }
    if let Some(userinfo) = userinfo(uri) {
        digest.part(b'u', userinfo.as_bytes());
    }
    digest.finish()
}

fn userinfo(uri: &Uri) -> Option<&str> {
    let (userinfo, _) = uri.authority()?.as_str().rsplit_once('@')?;
    Some(userinfo)
}
