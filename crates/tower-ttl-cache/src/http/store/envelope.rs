//! Entries as bytes, for stores outside of this process.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Version};
use tokio::time::Instant;

use super::Entry;
use crate::http::{
    credential::Credential,
    entry::{Head, Kind, Stored},
    policy::{Terms, has_validator},
    vary::Index,
};

/// Changes with the layout. What bears another is not read.
const VERSION: u8 = 1;

const VARY: u8 = 0;
const RESPONSE: u8 = 1;

impl Entry {
    /// The entry for a store outside of this process. It may hold what is secret: whoever can read
    /// it can read the response.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        seal(self, Instant::now(), SystemTime::now())
    }

    /// The entry that [`to_bytes`](Self::to_bytes) made bytes of, as old as it is by now. `None`
    /// for anything else, what another version of this crate wrote included.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        open(bytes, Instant::now(), SystemTime::now())
    }

    /// How long from now the entry is worth keeping: until it does not answer any more, a day
    /// longer if it can be validated, and a month if it leads to others.
    #[must_use]
    pub fn keep_for(&self) -> Duration {
        keep_for(self, Instant::now())
    }
}

fn keep_for(entry: &Entry, now: Instant) -> Duration {
    const DAY: Duration = Duration::from_secs(86_400);
    const MONTH: Duration = Duration::from_secs(30 * 86_400);
    let Some(stored) = entry.stored() else {
        return MONTH;
    };
    let terms = &stored.head.terms;
    let answers = terms.answers_for(stored.resident(now));
    if has_validator(&stored.head.headers) {
        answers.saturating_add(DAY)
    } else {
        answers
    }
}

fn seal(entry: &Entry, now: Instant, wall: SystemTime) -> Vec<u8> {
    let mut out = Vec::with_capacity(entry.size());
    out.push(VERSION);
    match entry.kind() {
        Kind::Vary(index) => {
            out.push(VARY);
            number(&mut out, index.most as u64);
            number(&mut out, index.names.len() as u64);
            for name in &index.names {
                bytes(&mut out, name.as_str().as_bytes());
            }
            for variant in &index.variants {
                out.extend_from_slice(variant);
            }
        }
        Kind::Response(stored) => {
            let Stored { head, body } = &**stored;
            let Terms {
                fresh_for,
                overdue,
                initial_age,
                audience,
                always_validate,
                never_stale,
                immutable,
                stale_while_revalidate,
                stale_if_error,
            } = head.terms;
            out.push(RESPONSE);
            let received = wall
                .checked_sub(stored.resident(now))
                .and_then(|received| received.duration_since(UNIX_EPOCH).ok())
                .unwrap_or_default();
            for duration in [
                received,
                fresh_for,
                overdue,
                initial_age,
                stale_while_revalidate,
                stale_if_error,
            ] {
                number(&mut out, milliseconds(duration));
            }
            let flags = [always_validate, never_stale, immutable];
            out.extend(flags.map(u8::from));
            out.push(match audience {
                Credential::None => 0,
                Credential::Cookie => 1,
                Credential::Authorization => 2,
            });
            out.push(match head.version {
                Version::HTTP_09 => 9,
                Version::HTTP_10 => 10,
                Version::HTTP_2 => 20,
                Version::HTTP_3 => 30,
                _ => 11,
            });
            out.extend_from_slice(&head.status.as_u16().to_le_bytes());
            number(&mut out, head.headers.len() as u64);
            for (name, value) in &head.headers {
                bytes(&mut out, name.as_str().as_bytes());
                out.push(value.is_sensitive().into());
                bytes(&mut out, value.as_bytes());
            }
            number(&mut out, head.tags.len() as u64);
            for tag in &head.tags {
                bytes(&mut out, tag.as_bytes());
            }
            out.extend_from_slice(body);
        }
    }
    out
}

/// `None` for what was not sealed by this version.
///
/// The entry counts as received now, and what has gone by since it was sealed as its age: a clock
/// that has gone back makes it no younger than it was.
fn open(sealed: &[u8], now: Instant, wall: SystemTime) -> Option<Entry> {
    let mut input = Input(sealed);
    if input.byte()? != VERSION {
        return None;
    }
    match input.byte()? {
        VARY => {
            let most = usize::try_from(input.number()?).ok()?;
            let count = input.number()?;
            let names = (0..count)
                .map(|_| HeaderName::from_bytes(input.bytes()?).ok())
                .collect::<Option<Vec<_>>>()?;
            let (variants, []) = input.0.as_chunks::<32>() else {
                return None;
            };
            Some(Entry::vary(Index {
                names,
                variants: variants.to_vec(),
                most,
            }))
        }
        RESPONSE => response(input, now, wall),
        _ => None,
    }
}

fn response(mut input: Input<'_>, now: Instant, wall: SystemTime) -> Option<Entry> {
    let received = UNIX_EPOCH.checked_add(input.duration()?)?;
    let gone_by = wall.duration_since(received).unwrap_or_default();
    let fresh_for = input.duration()?;
    let overdue = input.duration()?;
    let initial_age = input.duration()?;
    let terms = Terms {
        fresh_for: fresh_for.saturating_sub(gone_by),
        overdue: overdue.saturating_add(gone_by.saturating_sub(fresh_for)),
        initial_age: initial_age.saturating_add(gone_by),
        stale_while_revalidate: input.duration()?,
        stale_if_error: input.duration()?,
        always_validate: input.flag()?,
        never_stale: input.flag()?,
        immutable: input.flag()?,
        audience: match input.byte()? {
            0 => Credential::None,
            1 => Credential::Cookie,
            2 => Credential::Authorization,
            _ => return None,
        },
    };
    let version = match input.byte()? {
        9 => Version::HTTP_09,
        10 => Version::HTTP_10,
        11 => Version::HTTP_11,
        20 => Version::HTTP_2,
        30 => Version::HTTP_3,
        _ => return None,
    };
    let status = [input.byte()?, input.byte()?];
    let status = StatusCode::from_u16(u16::from_le_bytes(status)).ok()?;
    let mut headers = HeaderMap::new();
    for _ in 0..input.number()? {
        let name = HeaderName::from_bytes(input.bytes()?).ok()?;
        let sensitive = input.flag()?;
        let mut value = HeaderValue::from_bytes(input.bytes()?).ok()?;
        value.set_sensitive(sensitive);
        headers.try_append(name, value).ok()?;
    }
    let mut tags = Vec::new();
    for _ in 0..input.number()? {
        tags.push(std::str::from_utf8(input.bytes()?).ok()?.into());
    }
    let head = Head {
        terms,
        received: now,
        status,
        version,
        headers,
        tags,
    };
    Some(Entry::response(head, Bytes::copy_from_slice(input.0)))
}

fn number(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(&number.to_le_bytes());
}

fn bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    number(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn flag(&mut self) -> Option<bool> {
        match self.byte()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    fn number(&mut self) -> Option<u64> {
        let bytes = self.take(8)?.try_into().ok()?;
        Some(u64::from_le_bytes(bytes))
    }

    fn duration(&mut self) -> Option<Duration> {
        self.number().map(Duration::from_millis)
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        self.take(length)
    }
}

#[cfg(test)]
mod tests {
    use http::Response;
    use proptest::prelude::*;

    use super::*;
    use crate::http::policy::Storable;

    fn entry(body: &[u8]) -> Entry {
        let terms = Terms {
            fresh_for: Duration::from_secs(60),
            overdue: Duration::ZERO,
            initial_age: Duration::from_secs(5),
            audience: Credential::Cookie,
            always_validate: false,
            never_stale: true,
            immutable: true,
            stale_while_revalidate: Duration::from_secs(7),
            stale_if_error: Duration::from_secs(9),
        };
        let response = Response::builder()
            .status(404)
            .header("x-a", "1")
            .header("x-a", "2")
            .header("x-tags", "t u")
            .body(())
            .unwrap();
        let storable = Storable {
            terms,
            withheld: Vec::new(),
        };
        let tags = HeaderName::from_static("x-tags");
        let now = Instant::now();
        let head = Head::of(&response, &storable, now, UNIX_EPOCH, Some(&tags));
        Entry::response(head, Bytes::copy_from_slice(body))
    }

    fn index() -> Entry {
        Entry::vary(Index {
            names: vec![HeaderName::from_static("accept")],
            variants: vec![[1; 32], [2; 32]],
            most: 3,
        })
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_opened_is_what_was_sealed_but_older() {
        let sealed_at = UNIX_EPOCH + Duration::from_secs(1_000_000);
        let now = Instant::now();
        let sealed = seal(&entry(b"body"), now, sealed_at);
        let age = |seconds| {
            let wall = sealed_at + Duration::from_secs(seconds);
            let opened = open(&sealed, now, wall).unwrap();
            let stored = opened.stored().unwrap();
            let terms = stored.head.terms;
            assert_eq!(
                (stored.head.status.as_u16(), &stored.body[..]),
                (404, &b"body"[..])
            );
            assert_eq!(stored.head.headers.get_all("x-a").iter().count(), 2);
            assert_eq!(opened.tags().collect::<Vec<_>>(), ["t", "u"]);
            assert!(terms.never_stale && terms.immutable && !terms.always_validate);
            (
                terms.fresh_for.as_secs(),
                terms.overdue.as_secs(),
                terms.initial_age.as_secs(),
            )
        };
        assert_eq!(age(0), (60, 0, 5));
        assert_eq!(age(20), (40, 0, 25));
        assert_eq!(age(100), (0, 40, 105));
        // A clock that goes back does not make it younger than it was.
        let before = open(&sealed, now, UNIX_EPOCH).unwrap();
        assert_eq!(before.stored().unwrap().head.terms.fresh_for.as_secs(), 60);

        let opened = open(&seal(&index(), now, sealed_at), now, sealed_at).unwrap();
        match (opened.kind(), index().kind()) {
            (Kind::Vary(opened), Kind::Vary(index)) => assert_eq!(opened, index),
            other => panic!("{:?}", std::mem::discriminant(other.0)),
        }
    }

    #[test]
    fn an_envelope_of_another_version_is_none() {
        let mut sealed = seal(&index(), Instant::now(), UNIX_EPOCH);
        sealed[0] += 1;
        assert!(open(&sealed, Instant::now(), UNIX_EPOCH).is_none());
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(noise in prop::collection::vec(any::<u8>(), 0..60), cut in 0..400_usize, flip in 0..400_usize) {
            let _ = open(&noise, Instant::now(), UNIX_EPOCH);
            let mut sealed = seal(&entry(b"body"), Instant::now(), UNIX_EPOCH);
            let _ = open(&sealed[..cut.min(sealed.len())], Instant::now(), UNIX_EPOCH);
            if let Some(byte) = sealed.get_mut(flip) {
                *byte ^= 0x55;
            }
            let _ = open(&sealed, Instant::now(), SystemTime::now());
        }
    }
}
