use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Response, StatusCode, Version,
    header::{
        AGE, CONNECTION, DATE, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER,
        TRANSFER_ENCODING, UPGRADE,
    },
};
use tokio::time::Instant;

use super::policy::{Terms, unix_seconds};

/// What a [`Store`](crate::store::Store) keeps under a key. Cheap to clone.
#[derive(Clone)]
pub struct Entry(Arc<Kind>);

pub(crate) enum Kind {
    /// The headers on which the responses under this key vary; each is under a key of its own.
    Vary(Vec<HeaderName>),
    Response(Stored),
}

/// A response as it is kept.
pub(crate) struct Stored {
    pub(crate) head: Head,
    pub(crate) body: Bytes,
}

pub(crate) struct Head {
    pub(crate) terms: Terms,
    pub(crate) received: Instant,
    status: StatusCode,
    version: Version,
    headers: HeaderMap,
}

impl Entry {
    pub(crate) fn vary(names: Vec<HeaderName>) -> Self {
        Self(Arc::new(Kind::Vary(names)))
    }

    pub(crate) fn response(head: Head, body: Bytes) -> Self {
        Self(Arc::new(Kind::Response(Stored { head, body })))
    }

    pub(crate) fn kind(&self) -> &Kind {
        &self.0
    }

    /// What it takes in memory, in bytes: body, header names and values, and an allowance of 200
    /// for each header and 512 for the entry. Its key is not part of it.
    #[must_use]
    pub fn size(&self) -> usize {
        const ENTRY: usize = 512;
        const HEADER: usize = 200;
        match self.kind() {
            Kind::Vary(names) => names
                .iter()
                .map(|name| name.as_str().len() + HEADER)
                .fold(ENTRY, usize::saturating_add),
            Kind::Response(Stored { head, body }) => head
                .headers
                .iter()
                .map(|(name, value)| name.as_str().len() + value.len() + HEADER)
                .fold(ENTRY.saturating_add(body.len()), usize::saturating_add),
        }
    }
}

impl Head {
    pub(crate) fn of<B>(
        response: &Response<B>,
        terms: Terms,
        received: Instant,
        wall: SystemTime,
    ) -> Self {
        Self {
            terms,
            received,
            status: response.status(),
            version: response.version(),
            headers: stored_headers(response.headers(), wall),
        }
    }
}

impl Stored {
    /// The response as of `now`, with its age (RFC 9111 section 4).
    pub(crate) fn to_response(&self, now: Instant) -> Response<Bytes> {
        let head = &self.head;
        let resident = now.saturating_duration_since(head.received);
        let mut headers = head.headers.clone();
        headers.insert(AGE, head.terms.age(resident).as_secs().into());
        let mut response = Response::new(self.body.clone());
        *response.status_mut() = head.status;
        *response.version_mut() = head.version;
        *response.headers_mut() = headers;
        response
    }
}

// Headers and bodies may hold secrets.
impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("size", &self.size())
            .finish_non_exhaustive()
    }
}

/// RFC 9111 section 3.1: all but what belongs to the connection or to a proxy on the way.
fn stored_headers(headers: &HeaderMap, wall: SystemTime) -> HeaderMap {
    let mut stored = HeaderMap::with_capacity(headers.len() + 2);
    for (name, value) in headers {
        if !is_of_connection(name) && !is_listed(headers, name) {
            stored.append(name, copied(value));
        }
    }
    // The place is taken now, so that an answer does not have to make room for it.
    stored.insert(AGE, HeaderValue::from_static("0"));
    // RFC 9110 section 6.6.1.
    if !stored.contains_key(DATE)
        && let Ok(date) = HeaderValue::try_from(http_date(wall))
    {
        stored.insert(DATE, date);
    }
    stored
}

fn is_of_connection(name: &HeaderName) -> bool {
    const STANDARD: [HeaderName; 7] = [
        CONNECTION,
        PROXY_AUTHENTICATE,
        PROXY_AUTHORIZATION,
        TE,
        TRAILER,
        TRANSFER_ENCODING,
        UPGRADE,
    ];
    const CUSTOM: [&str; 3] = [
        "keep-alive",
        "proxy-authentication-info",
        "proxy-connection",
    ];
    STANDARD.contains(name) || CUSTOM.contains(&name.as_str())
}

/// RFC 9110 section 7.6.1: fields named by `Connection` end with it.
fn is_listed(headers: &HeaderMap, name: &HeaderName) -> bool {
    headers.get_all(CONNECTION).iter().any(|line| {
        line.as_bytes().split(|&byte| byte == b',').any(|listed| {
            listed
                .trim_ascii()
                .eq_ignore_ascii_case(name.as_str().as_bytes())
        })
    })
}

/// A value as it comes from a connection keeps the whole buffer alive that it was read into.
fn copied(value: &HeaderValue) -> HeaderValue {
    let Ok(mut copy) = HeaderValue::from_bytes(value.as_bytes()) else {
        return value.clone();
    };
    copy.set_sensitive(value.is_sensitive());
    copy
}

/// Within the years an HTTP date can name; the formatter panics outside of them.
fn http_date(wall: SystemTime) -> String {
    const LAST: u64 = 253_402_300_799;
    let seconds = unix_seconds(wall).min(LAST);
    httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds))
}
