use std::fmt;

use http::{HeaderName, HeaderValue, Request, header};

use super::policy::IDEMPOTENCY_KEY;
use crate::persist::Codec;

/// Turns requests of HTTP into bytes for a [journal](crate::persist), and back: those with an
/// `Idempotency-Key`, which is also their key in the journal.
///
/// Kept are method, URI, headers and body, in the form of HTTP/1.1. Left out are the headers that
/// carry credentials (`Authorization`, `Proxy-Authorization`, `Cookie`), those whose value is marked
/// [sensitive](HeaderValue::set_sensitive), and the extensions: what is needed of them is to be added
/// by a layer below the retry.
///
/// ```
/// use bytes::Bytes;
/// use tower_retry_backoff::http::HttpCodec;
///
/// let codec = HttpCodec::new(
///     |body: &Bytes| Some(body.to_vec()),
///     |body: Vec<u8>| Bytes::from(body),
/// );
/// # let _ = codec;
/// ```
#[derive(Clone)]
pub struct HttpCodec<D, L> {
    dump: D,
    load: L,
}

impl<D, L> HttpCodec<D, L> {
    /// `dump: Fn(&B) -> Option<Vec<u8>>` gives the content of a body, unless it cannot be known;
    /// `load: Fn(Vec<u8>) -> B` makes a body of it.
    pub const fn new(dump: D, load: L) -> Self {
        Self { dump, load }
    }
}

impl<B, D, L> Codec<Request<B>> for HttpCodec<D, L>
where
    D: Fn(&B) -> Option<Vec<u8>>,
    L: Fn(Vec<u8>) -> B,
{
    fn key(&self, request: &Request<B>) -> Option<String> {
        let key = request.headers().get(IDEMPOTENCY_KEY)?.to_str().ok()?;
        (!key.is_empty()).then(|| key.to_owned())
    }

    fn encode(&self, request: &Request<B>) -> Option<Vec<u8>> {
        let body = (self.dump)(request.body())?;
        let mut bytes = format!("{} {}\r\n", request.method(), request.uri()).into_bytes();
        for (name, value) in request.headers() {
            if !is_secret(name, value) {
                let line = [name.as_str().as_bytes(), b":", value.as_bytes(), b"\r\n"];
                bytes.extend(line.concat());
            }
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend(body);
        Some(bytes)
    }

    fn decode(&self, bytes: &[u8]) -> Option<Request<B>> {
        let (first, mut rest) = line(bytes)?;
        let (method, uri) = std::str::from_utf8(first).ok()?.split_once(' ')?;
        let mut request = Request::builder().method(method).uri(uri);
        loop {
            let (header, after) = line(rest)?;
            rest = after;
            if header.is_empty() {
                return request.body((self.load)(rest.to_vec())).ok();
            }
            let colon = header.iter().position(|byte| *byte == b':')?;
            let (name, value) = header.split_at(colon);
            request = request.header(name, value.get(1..)?);
        }
    }
}

fn is_secret(name: &HeaderName, value: &HeaderValue) -> bool {
    let credentials = [
        header::AUTHORIZATION,
        header::PROXY_AUTHORIZATION,
        header::COOKIE,
    ];
    value.is_sensitive() || credentials.contains(name)
}

/// The first line and what comes after it. No part of a head can hold a line break.
fn line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.windows(2).position(|pair| pair == b"\r\n")?;
    Some((bytes.get(..end)?, bytes.get(end + 2..)?))
}

impl<D, L> fmt::Debug for HttpCodec<D, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpCodec").finish_non_exhaustive()
    }
}
