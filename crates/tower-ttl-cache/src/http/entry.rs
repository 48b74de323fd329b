use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Response, StatusCode, Version,
    header::{
        AGE, CONNECTION, CONTENT_LENGTH, CONTENT_RANGE, DATE, PROXY_AUTHENTICATE,
        PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
    },
};
use tokio::time::Instant;

use super::{
    conditional::{self, copied},
    date,
    policy::{SetCookie, Storable, Terms},
    range::Range,
    vary::Index,
};

/// What a [`Store`](crate::store::Store) keeps under a key. Cheap to clone.
#[derive(Clone)]
pub struct Entry(Kind);

#[derive(Clone)]
pub(crate) enum Kind {
    /// On what the responses under this key vary; each is under a key of its own.
    Vary(Arc<Index>),
    Response(Arc<Stored>),
}

/// A response as it is kept.
pub(crate) struct Stored {
    pub(crate) head: Head,
    pub(crate) body: Bytes,
}

#[derive(Clone)]
pub(crate) struct Head {
    pub(crate) terms: Terms,
    pub(crate) received: Instant,
    pub(crate) status: StatusCode,
    pub(crate) version: Version,
    pub(crate) headers: HeaderMap,
    pub(crate) tags: Vec<Box<str>>,
}

impl Entry {
    pub(crate) fn vary(index: Index) -> Self {
        Self(Kind::Vary(Arc::new(index)))
    }

    /// Answers nothing: takes the place of what must not answer any more.
    pub(crate) fn nothing() -> Self {
        Self::vary(Index::default())
    }

    pub(crate) fn response(head: Head, body: Bytes) -> Self {
        Self(Kind::Response(Arc::new(Stored { head, body })))
    }

    pub(crate) const fn kind(&self) -> &Kind {
        &self.0
    }

    pub(crate) fn stored(&self) -> Option<&Stored> {
        match self.kind() {
            Kind::Vary(_) => None,
            Kind::Response(stored) => Some(stored),
        }
    }

    /// What to keep when this entry takes the place of an older one under the same key. A store
    /// that can do so in one step should: of two variants of a response that are stored at the
    /// same time, it will otherwise know one alone.
    #[must_use]
    pub fn over(self, older: Option<&Self>) -> Self {
        match (self.kind(), older.map(Self::kind)) {
            (Kind::Vary(index), Some(Kind::Vary(older))) => Self::vary(index.over(older)),
            _ => self,
        }
    }

    /// What it can be [invalidated](crate::CacheHandle::invalidate_tag) by beside its URI.
    pub fn tags(&self) -> impl Iterator<Item = &str> {
        let tags = self.stored().map_or(&[][..], |stored| &stored.head.tags);
        tags.iter().map(|tag| &**tag)
    }

    /// What it takes in memory, in bytes: body, header names and values, and an allowance of 200
    /// for each header and 512 for the entry. Its key is not part of it.
    #[must_use]
    pub fn size(&self) -> usize {
        const ENTRY: usize = 512;
        const HEADER: usize = 200;
        match self.kind() {
            Kind::Vary(index) => index
                .names
                .iter()
                .map(|name| name.as_str().len() + HEADER)
                .fold(ENTRY + 32 * index.variants.len(), usize::saturating_add),
            Kind::Response(stored) => {
                let Stored { head, body } = &**stored;
                let tags = head.tags.iter().map(|tag| tag.len() + 16);
                head.headers
                    .iter()
                    .map(|(name, value)| name.as_str().len() + value.len() + HEADER)
                    .chain(tags)
                    .fold(ENTRY.saturating_add(body.len()), usize::saturating_add)
            }
        }
    }
}

impl Head {
    pub(crate) fn of<B>(
        response: &Response<B>,
        storable: &Storable,
        received: Instant,
        wall: SystemTime,
        tag_header: Option<&HeaderName>,
    ) -> Self {
        let mut headers = end_to_end(response.headers());
        for name in &storable.withheld {
            headers.remove(name);
        }
        complete(&mut headers, wall);
        Self {
            terms: storable.terms,
            received,
            status: response.status(),
            version: response.version(),
            tags: tag_header.map_or_else(Vec::new, |name| tags(response.headers(), name)),
            headers,
        }
    }
}

impl Stored {
    pub(crate) fn resident(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.head.received)
    }

    /// The response as of `now`, with its age (RFC 9111 section 4).
    pub(crate) fn to_response(&self, now: Instant) -> Response<Bytes> {
        let headers = self.head.headers.clone();
        self.respond(now, self.head.status, headers, self.body.clone())
    }

    /// That the client has it already.
    pub(crate) fn to_304(&self, now: Instant) -> Response<Bytes> {
        let headers = conditional::headers_of_304(&self.head.headers);
        self.respond(now, StatusCode::NOT_MODIFIED, headers, Bytes::new())
    }

    /// A part of it (RFC 9110 section 15.3.7), if it has that part.
    pub(crate) fn to_206(&self, now: Instant, range: Range) -> Option<Response<Bytes>> {
        let length = self.body.len();
        let (start, end) = range.within(length)?;
        let mut headers = self.head.headers.clone();
        let part = format!("bytes {start}-{}/{length}", end - 1);
        headers.insert(CONTENT_RANGE, HeaderValue::try_from(part).ok()?);
        headers.insert(CONTENT_LENGTH, (end - start).into());
        let part = self.body.slice(start..end);
        Some(self.respond(now, StatusCode::PARTIAL_CONTENT, headers, part))
    }

    fn respond(
        &self,
        now: Instant,
        status: StatusCode,
        mut headers: HeaderMap,
        body: Bytes,
    ) -> Response<Bytes> {
        let age = self.head.terms.age(self.resident(now)).as_secs().into();
        // Every stored response has the field, and a 304 keeps it.
        if let Some(field) = headers.get_mut(AGE) {
            *field = age;
        }
        let mut response = Response::new(body);
        *response.status_mut() = status;
        *response.version_mut() = self.head.version;
        *response.headers_mut() = headers;
        response
    }

    /// What the headers become by a 304 or by the response to a `HEAD` (RFC 9111 section 3.2).
    /// Its age and date are those of the update, which may leave them out.
    pub(crate) fn updated_headers(
        &self,
        update: &HeaderMap,
        cookies: SetCookie,
        wall: SystemTime,
    ) -> HeaderMap {
        let mut update = end_to_end(update);
        complete(&mut update, wall);
        conditional::updated(&self.head.headers, &update, cookies)
    }

    /// The same content under newer terms and headers.
    pub(crate) fn freshened(
        &self,
        headers: HeaderMap,
        storable: &Storable,
        received: Instant,
    ) -> Entry {
        let mut head = Head {
            terms: storable.terms,
            received,
            headers,
            ..self.head.clone()
        };
        for name in &storable.withheld {
            head.headers.remove(name);
        }
        Entry::response(head, self.body.clone())
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
fn end_to_end(headers: &HeaderMap) -> HeaderMap {
    let mut stored = HeaderMap::with_capacity(headers.len() + 2);
    for (name, value) in headers {
        if !is_of_connection(name) && !is_listed(headers, name) {
            stored.append(name, copied(value));
        }
    }
    stored
}

/// Adds what every stored response has.
fn complete(headers: &mut HeaderMap, wall: SystemTime) {
    // The place is taken now, so that an answer does not have to make room for it.
    headers.entry(AGE).or_insert(HeaderValue::from_static("0"));
    // RFC 9110 section 6.6.1.
    if !headers.contains_key(DATE)
        && let Ok(date) = HeaderValue::try_from(date::format(wall))
    {
        headers.insert(DATE, date);
    }
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

/// Tags are separated by spaces, by commas or by both.
fn tags(headers: &HeaderMap, name: &HeaderName) -> Vec<Box<str>> {
    let lines = headers.get_all(name).iter();
    lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split([' ', ',', '\t']))
        .filter(|tag| !tag.is_empty())
        .map(Box::from)
        .collect()
}
