use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Uri, header::HOST, uri::Authority};

use super::{
    credential::{self, Credential},
    policy::Mode,
    seed::Seed,
};

/// Names one entry: what a request asks for, on whose behalf, and which variant.
///
/// The bytes are, each framed by its length: authority, path and query (together the
/// [`Resource`]), method, scheme, a `Host` that differs from the authority, a digest of the
/// credential, and a digest of the header values a `Vary` names. Keys are compared byte by byte.
/// The digests are keyed SHA-256 with a random seed for each cache, since what they stand for may
/// be secret.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Key {
    bytes: Bytes,
    resource: usize,
}

impl Key {
    pub(crate) fn of<B>(
        request: &Request<B>,
        credential: Credential,
        mode: Mode,
        seed: &Seed,
    ) -> Self {
        let (uri, headers) = (request.uri(), request.headers());
        let scheme = uri.scheme_str().unwrap_or_default();
        let method = match *request.method() {
            // RFC 9110 section 9.3.2: what answers a `GET` answers a `HEAD`.
            Method::HEAD => "GET",
            ref method => method.as_str(),
        };
        let credential = match (mode, credential) {
            (Mode::Shared, _) | (_, Credential::None) => None,
            (Mode::Private, _) => Some(credential::digest(seed, uri, headers)),
        };
        // Exact in all but rare cases, so that the bytes need no room beside them.
        let length = resource_length(uri, headers)
            + 4 * FRAME
            + method.len()
            + scheme.len()
            + credential.map_or(0, |digest| digest.len());
        let mut bytes = Vec::with_capacity(length);
        write_resource(&mut bytes, uri, headers);
        let resource = bytes.len();
        framed(&mut bytes, |out| out.extend_from_slice(method.as_bytes()));
        framed(&mut bytes, |out| {
            out.extend(scheme.bytes().map(|b| b.to_ascii_lowercase()));
        });
        framed(&mut bytes, |out| {
            if uri.authority().is_some_and(|uri| !is_host(uri, headers)) {
                write_hosts(out, headers);
            }
        });
        framed(&mut bytes, |out| {
            if let Some(digest) = credential {
                out.extend_from_slice(&digest);
            }
        });
        Self {
            bytes: bytes.into(),
            resource,
        }
    }

    /// The key of the variant with these selecting header values.
    pub(crate) fn variant(&self, digest: &[u8; 32]) -> Self {
        let mut bytes = Vec::with_capacity(self.bytes.len() + digest.len());
        bytes.extend_from_slice(&self.bytes);
        bytes.extend_from_slice(digest);
        Self {
            bytes: bytes.into(),
            resource: self.resource,
        }
    }

    /// The whole key. The first bytes are those of its [`resource`](Self::resource).
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What the entry is removed by.
    #[must_use]
    pub fn resource(&self) -> Resource {
        Resource(self.bytes.slice(..self.resource))
    }

    pub(crate) fn resource_bytes(&self) -> &[u8] {
        &self.bytes[..self.resource]
    }
}

/// Names everything stored for one URI, whatever the scheme, the credential or the variant.
///
/// The scheme is left out because a server often does not know it: over HTTP/1.1 requests come
/// without it, over HTTP/2 with it, and a `DELETE` over one must remove what was stored over the
/// other.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Resource(Bytes);

impl Resource {
    pub(crate) fn new(uri: &Uri, headers: &HeaderMap) -> Self {
        let mut bytes = Vec::new();
        write_resource(&mut bytes, uri, headers);
        Self(bytes.into())
    }

    pub(crate) fn is_on_authority_of(&self, other: &Self) -> bool {
        split(&self.0).0 == split(&other.0).0
    }

    /// Whether this is of the same authority, and its path and query start with those of `prefix`.
    #[must_use]
    pub fn starts_with(&self, prefix: &Self) -> bool {
        let ((authority, path), (other, start)) = (split(&self.0), split(&prefix.0));
        authority == other && path.starts_with(start)
    }

    /// The authority, and the path with its query.
    #[must_use]
    pub fn parts(&self) -> (&[u8], &[u8]) {
        split(&self.0)
    }

    /// The bytes, equal for equal resources only.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

// A query may hold a token, and a digest says nothing to a reader.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").finish_non_exhaustive()
    }
}

impl fmt::Debug for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resource").finish_non_exhaustive()
    }
}

/// What [`write_resource`] takes, a port that it leaves out aside.
fn resource_length(uri: &Uri, headers: &HeaderMap) -> usize {
    let authority = match uri.authority() {
        Some(authority) => {
            authority.host().len() + authority.port().map_or(0, |port| port.as_str().len() + 1)
        }
        None => {
            let hosts = headers.get_all(HOST).iter();
            hosts
                .map(|host| host.len() + 1)
                .sum::<usize>()
                .saturating_sub(1)
        }
    };
    2 * FRAME + authority + uri.path().len() + uri.query().map_or(0, |query| query.len() + 1)
}

fn write_resource(out: &mut Vec<u8>, uri: &Uri, headers: &HeaderMap) {
    framed(out, |out| match uri.authority() {
        Some(authority) => write_authority(out, authority, uri.scheme_str()),
        None => write_hosts(out, headers),
    });
    framed(out, |out| {
        out.extend_from_slice(uri.path().as_bytes());
        if let Some(query) = uri.query() {
            out.push(b'?');
            out.extend_from_slice(query.as_bytes());
        }
    });
}

/// RFC 9110 section 4.2.3: the host in lower case, a default port left out. User information is a
/// credential and goes into that digest.
fn write_authority(out: &mut Vec<u8>, authority: &Authority, scheme: Option<&str>) {
    out.extend(authority.host().bytes().map(|b| b.to_ascii_lowercase()));
    let default = match scheme {
        Some("http") => Some(80),
        Some("https") => Some(443),
        _ => None,
    };
    if let Some(port) = authority.port_u16()
        && Some(port) != default
    {
        out.extend_from_slice(format!(":{port}").as_bytes());
    }
}

/// All of them: a service that reads the last of two must not be answered for by the first.
fn write_hosts(out: &mut Vec<u8>, headers: &HeaderMap) {
    for (index, host) in headers.get_all(HOST).iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        out.extend(host.as_bytes().iter().map(u8::to_ascii_lowercase));
    }
}

/// Whether `Host` says no more than the authority, so that the inner service sees no other host
/// than the one in the resource.
fn is_host(authority: &Authority, headers: &HeaderMap) -> bool {
    headers.get_all(HOST).iter().all(|host| {
        host.as_bytes()
            .eq_ignore_ascii_case(authority.as_str().as_bytes())
    })
}

/// The authority, and the path with its query, of what [`write_resource`] wrote.
fn split(resource: &[u8]) -> (&[u8], &[u8]) {
    let (frame, rest) = resource.split_at(FRAME);
    let length = frame
        .iter()
        .rev()
        .fold(0, |length, &byte| length << 8 | usize::from(byte));
    (&rest[..length], &rest[length + FRAME..])
}

/// Bytes that tell the length of what follows.
const FRAME: usize = 8;

fn framed(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0; FRAME]);
    write(out);
    let length = (out.len() - start - FRAME) as u64;
    out[start..start + FRAME].copy_from_slice(&length.to_le_bytes());
}
