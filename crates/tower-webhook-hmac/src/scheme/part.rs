use http::{Method, header::CONTENT_TYPE};

use crate::{Encoding, Hash};

/// Where a request carries a value.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// A header, by its name.
    Header(String),
    /// The value with this key among the pairs of the signature's own header, such as the `t` of
    /// `t=1614265330,v1=…`.
    Pair(String),
    /// A parameter of the URL's query, by its decoded name.
    Query(String),
    /// A field of the body, which is a form (`application/x-www-form-urlencoded`).
    Form(String),
    /// A value of the body, which is JSON, by its JSON Pointer (RFC 6901): `/data/id`. A text
    /// counts as its content, everything else as it is written.
    Json(String),
}

impl Source {
    /// A [`Header`](Self::Header).
    #[must_use]
    pub fn header(name: impl Into<String>) -> Self {
        Self::Header(name.into())
    }

    /// A [`Pair`](Self::Pair).
    #[must_use]
    pub fn pair(key: impl Into<String>) -> Self {
        Self::Pair(key.into())
    }

    /// A parameter of the [`Query`](Self::Query).
    #[must_use]
    pub fn query(name: impl Into<String>) -> Self {
        Self::Query(name.into())
    }

    /// A field of a [`Form`](Self::Form).
    #[must_use]
    pub fn form(name: impl Into<String>) -> Self {
        Self::Form(name.into())
    }

    /// A value of [`Json`](Self::Json).
    #[must_use]
    pub fn json(pointer: impl Into<String>) -> Self {
        Self::Json(pointer.into())
    }

    pub(crate) fn is_in_body(&self) -> bool {
        matches!(self, Self::Form(_) | Self::Json(_))
    }
}

/// A piece of what is signed. The pieces are signed one after another, nothing between them.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Part {
    /// The body as it came.
    Body,
    /// The timestamp as it is written in the request.
    Timestamp,
    /// The id as it is written in the request.
    Id,
    /// The same bytes in every request, such as a separator.
    Literal(Vec<u8>),
    /// The method, in capitals.
    Method,
    /// The scheme's [`PublicUrl`].
    Url,
    /// The path of the URL, without the query.
    Path,
    /// Path and query of the URL.
    PathAndQuery,
    /// The query without its `?`; nothing when there is none.
    Query,
    /// A value that has to be there, once.
    Value(Source),
    /// A value, or nothing when it isn't there.
    Optional(Source),
    /// Name and value of each field of a form, sorted by name and then by value, each pair once,
    /// nothing between them. Nothing when the content type isn't that of a form.
    SortedForm,
    /// The digest of the body, as text.
    BodyDigest(Hash, Encoding),
    /// The secret itself: for schemes that hash without a key.
    Secret,
}

impl Part {
    /// A [`Literal`](Self::Literal).
    #[must_use]
    pub fn literal(bytes: impl Into<Vec<u8>>) -> Self {
        Self::Literal(bytes.into())
    }

    /// A [`Value`](Self::Value) of a header.
    #[must_use]
    pub fn header(name: impl Into<String>) -> Self {
        Self::Value(Source::header(name))
    }

    /// Whether it has to wait for the whole body, or for the secret.
    pub(crate) fn is_deferred(&self) -> bool {
        match self {
            Self::Value(source) | Self::Optional(source) => source.is_in_body(),
            Self::SortedForm | Self::BodyDigest(..) | Self::Secret => true,
            _ => false,
        }
    }
}

impl From<&str> for Part {
    /// A [`Literal`](Self::Literal).
    fn from(text: &str) -> Self {
        Self::literal(text)
    }
}

/// The URL under which the provider knows an endpoint.
///
/// It comes from configuration: what a request says of its own host (`Host`, `X-Forwarded-*`)
/// isn't signed by anyone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl {
    pub(super) text: String,
    pub(super) then_target: bool,
    pub(super) any_port: bool,
}

impl PublicUrl {
    /// This text, whatever the request's target is.
    #[must_use]
    pub fn exact(url: impl Into<String>) -> Self {
        Self {
            text: url.into(),
            then_target: false,
            any_port: false,
        }
    }

    /// This text, and then path and query of the request: `https://example.com`, without a slash
    /// at its end.
    #[must_use]
    pub fn origin(origin: impl Into<String>) -> Self {
        Self {
            then_target: true,
            ..Self::exact(origin)
        }
    }

    /// Also accepts signatures over the URL without its port, and with the port that its scheme
    /// implies (443 or 80). Each spelling that has to be tried costs one more hash of the body.
    #[must_use]
    pub fn any_port(self) -> Self {
        Self {
            any_port: true,
            ..self
        }
    }

    /// What may have been signed, the likeliest first.
    pub(super) fn spellings(&self, target: &str) -> Vec<String> {
        let mut url = self.text.clone();
        if self.then_target {
            url.push_str(target);
        }
        let mut spellings = vec![url];
        if self.any_port {
            if let Some((without, with)) = ports(&spellings[0]) {
                spellings.extend([without, with]);
            }
            // Also the URL itself is one of the two.
            let first = spellings[0].clone();
            spellings.retain({
                let mut seen_first = false;
                move |spelling| *spelling != first || !std::mem::replace(&mut seen_first, true)
            });
        }
        spellings
    }
}

impl From<&str> for PublicUrl {
    fn from(url: &str) -> Self {
        Self::exact(url)
    }
}

impl From<String> for PublicUrl {
    fn from(url: String) -> Self {
        Self::exact(url)
    }
}

fn ports(url: &str) -> Option<(String, String)> {
    let (scheme, rest) = url.split_once("://")?;
    let port = match scheme {
        "https" => 443,
        "http" => 80,
        _ => return None,
    };
    let (authority, target) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let host = match authority.rsplit_once(':') {
        Some((host, digits)) if digits.bytes().all(|digit| digit.is_ascii_digit()) => host,
        _ => authority,
    };
    Some((
        format!("{scheme}://{host}{target}"),
        format!("{scheme}://{host}:{port}{target}"),
    ))
}

/// What is known of a request before its body: what a scheme judges first.
///
/// Made from its headers alone, from [`http::request::Parts`], or from a whole request.
#[derive(Clone, Copy)]
pub struct Head<'a> {
    pub(crate) method: Option<&'a Method>,
    pub(crate) uri: Option<&'a http::Uri>,
    pub(crate) headers: &'a http::HeaderMap,
}

impl<'a> Head<'a> {
    /// With the target of the request, for schemes that sign the URL or carry something in it.
    #[must_use]
    pub fn uri(self, uri: &'a http::Uri) -> Self {
        Self {
            uri: Some(uri),
            ..self
        }
    }

    /// With the method, for schemes that sign it.
    #[must_use]
    pub fn method(self, method: &'a Method) -> Self {
        Self {
            method: Some(method),
            ..self
        }
    }
}

impl Head<'_> {
    pub(crate) fn is_form(self) -> bool {
        let form = b"application/x-www-form-urlencoded";
        self.headers.get(CONTENT_TYPE).is_some_and(|value| {
            let kind = value.as_bytes().split(|byte| *byte == b';').next();
            kind.is_some_and(|kind| kind.trim_ascii().eq_ignore_ascii_case(form))
        })
    }
}

impl<'a> From<&'a http::HeaderMap> for Head<'a> {
    fn from(headers: &'a http::HeaderMap) -> Self {
        Self {
            method: None,
            uri: None,
            headers,
        }
    }
}

impl<'a> From<&'a http::request::Parts> for Head<'a> {
    fn from(parts: &'a http::request::Parts) -> Self {
        Self {
            method: Some(&parts.method),
            uri: Some(&parts.uri),
            headers: &parts.headers,
        }
    }
}

impl<'a, B> From<&'a http::Request<B>> for Head<'a> {
    fn from(request: &'a http::Request<B>) -> Self {
        Self {
            method: Some(request.method()),
            uri: Some(request.uri()),
            headers: request.headers(),
        }
    }
}

impl std::fmt::Debug for Head<'_> {
    /// Without the headers and the query, which hold signatures.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Head")
            .field("method", &self.method)
            .field("path", &self.uri.map(http::Uri::path))
            .finish_non_exhaustive()
    }
}
