use std::{borrow::Cow, sync::Arc, time::Duration};

use http::{HeaderName, HeaderValue};

use super::{
    Algorithm, BodyDigest, Brand, Scheme, Spec,
    part::{Part, PublicUrl, Source},
    signature::{Layout, Signature},
};
use crate::{Encoding, Hash, SchemeError, Unit};

/// What Standard Webhooks, Stripe and Slack agree on.
const TOLERANCE: Duration = Duration::from_secs(300);

/// A [`Scheme`] in the making. Made by [`Scheme::hmac`] and its siblings.
///
/// What isn't said: the body alone is signed, there is neither a timestamp nor an id.
#[derive(Debug, Clone)]
pub struct SchemeBuilder {
    name: Cow<'static, str>,
    algorithm: Algorithm,
    signature: Option<Signature>,
    parts: Vec<Part>,
    id: Option<Source>,
    event: Option<Source>,
    timestamp: Option<(Source, Unit)>,
    tolerance: Duration,
    url: Option<PublicUrl>,
    digest: Option<BodyDigest>,
    brand: Option<(String, String)>,
    truncated: Option<usize>,
}

impl SchemeBuilder {
    pub(super) fn new(name: Cow<'static, str>, algorithm: Algorithm) -> Self {
        Self {
            name,
            algorithm,
            signature: None,
            parts: vec![Part::Body],
            id: None,
            event: None,
            timestamp: None,
            tolerance: TOLERANCE,
            url: None,
            digest: None,
            brand: None,
            truncated: None,
        }
    }

    /// Where the signature stands. There is no default.
    #[must_use]
    pub fn signature(mut self, signature: Signature) -> Self {
        self.signature = Some(signature);
        self
    }

    /// What is signed, in its order. Default: the body.
    #[must_use]
    pub fn signed<P: Into<Part>>(mut self, parts: impl IntoIterator<Item = P>) -> Self {
        self.parts = parts.into_iter().map(Into::into).collect();
        self
    }

    /// Where the delivery's id stands. A missing or repeated one is refused if it is signed
    /// ([`Part::Id`]), and else it is but a label. A signed one may not hold the literal that
    /// stands after it: what is signed could then be cut at two places.
    #[must_use]
    pub fn id(mut self, source: Source) -> Self {
        self.id = Some(source);
        self
    }

    /// Where the kind of event stands; a label for the handler.
    #[must_use]
    pub fn event(mut self, source: Source) -> Self {
        self.event = Some(source);
        self
    }

    /// Where the time of signing stands and how it is written. A request without it is refused, and
    /// one whose time is further from ours than the [`tolerance`](Self::tolerance).
    ///
    /// Sign it, with [`Part::Timestamp`] or as a value in a signed body: an unsigned one protects
    /// from nothing.
    #[must_use]
    pub fn timestamp(mut self, source: Source, unit: Unit) -> Self {
        self.timestamp = Some((source, unit));
        self
    }

    /// How far the timestamp may be from our clock, before or after, inclusive.
    ///
    /// Default: 300 s, as Standard Webhooks, Stripe and Slack have it.
    #[must_use]
    pub fn tolerance(mut self, tolerance: Duration) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// The URL that [`Part::Url`] stands for.
    #[must_use]
    pub fn url(mut self, url: impl Into<PublicUrl>) -> Self {
        self.url = Some(url.into());
        self
    }

    /// A digest of the body stands at `source`, where the `{}` of `pattern` is (`sha-256=:{}:` in a
    /// `Content-Digest` of RFC 9530), and has to be right. A body that
    /// isn't empty has to have one, unless it is itself signed ([`Part::Body`],
    /// [`Part::BodyDigest`], or [`Part::SortedForm`] for a form).
    ///
    /// Sign the place it stands at.
    #[must_use]
    pub fn body_digest(
        mut self,
        source: Source,
        pattern: impl Into<String>,
        hash: Hash,
        encoding: Encoding,
    ) -> Self {
        self.digest = Some(BodyDigest {
            source,
            pattern: pattern.into(),
            hash,
            encoding,
        });
        self
    }

    /// The same headers may also stand under other names, with `other` for the `prefix`:
    /// `webhook-` for `svix-`. A request that has headers of both is refused.
    #[must_use]
    pub fn or_prefix(mut self, prefix: impl Into<String>, other: impl Into<String>) -> Self {
        self.brand = Some((prefix.into(), other.into()));
        self
    }

    /// Only the first `bytes` of the hash are the signature.
    #[must_use]
    pub fn truncated(mut self, bytes: usize) -> Self {
        self.truncated = Some(bytes);
        self
    }

    /// The scheme.
    ///
    /// # Errors
    ///
    /// [`SchemeError`] says what is missing or contradicts itself.
    pub fn build(self) -> Result<Scheme, SchemeError> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if !(1..=64).contains(&self.name.len()) || !self.name.bytes().all(plain) {
            return Err(SchemeError::Name);
        }
        let signature = self.signature.clone().ok_or(SchemeError::NoSignature)?;
        self.check_parts(&signature)?;
        if let Some(bytes) = self.truncated
            && (bytes < 10 || bytes > self.algorithm.len())
        {
            return Err(SchemeError::Truncated(bytes));
        }
        let brands = self.brands(&signature)?;
        let first = signature.sources.first();
        let place = match first {
            Some(Source::Header(name)) => format!(", header=\"{name}\""),
            _ => String::new(),
        };
        let challenge = format!("Webhook-Signature realm=\"{}\"{place}", self.name);
        let name_error = |_| SchemeError::HeaderName(challenge.clone());
        Ok(Scheme {
            spec: Arc::new(Spec {
                challenge: HeaderValue::try_from(&challenge).map_err(name_error)?,
                streams: !self.parts.iter().any(Part::is_deferred)
                    && self
                        .parts
                        .iter()
                        .filter(|part| **part == Part::Body)
                        .count()
                        <= 1
                    && !self.algorithm.wants_whole_message(),
                id_is_signed: self.parts.contains(&Part::Id),
                tag_len: self.truncated.unwrap_or(self.algorithm.len()),
                name: self.name,
                algorithm: self.algorithm,
                signature,
                parts: self.parts,
                timestamp: self.timestamp.map(|(_, unit)| unit),
                tolerance: self.tolerance,
                url: self.url,
                digest: self.digest,
                brands,
            }),
        })
    }

    fn check_parts(&self, signature: &Signature) -> Result<(), SchemeError> {
        let has = |part: &Part| self.parts.contains(part);
        let varies = |part: &Part| !matches!(part, Part::Literal(_) | Part::Secret);
        if !self.parts.iter().any(varies) {
            return Err(SchemeError::NothingSigned);
        }
        if has(&Part::Timestamp) && self.timestamp.is_none() {
            return Err(SchemeError::NoTimestamp);
        }
        if has(&Part::Id) && self.id.is_none() {
            return Err(SchemeError::NoId);
        }
        if has(&Part::Url) && self.url.is_none() {
            return Err(SchemeError::NoUrl);
        }
        if matches!(self.algorithm, Algorithm::Digest(_)) && !has(&Part::Secret) {
            return Err(SchemeError::NoSecret);
        }
        let pairs = matches!(signature.layout, Layout::Pairs { .. });
        let in_pair = |source: &Source| matches!(source, Source::Pair(_));
        if signature.sources.iter().any(in_pair) || (self.sources().any(in_pair) && !pairs) {
            return Err(SchemeError::NoPairs);
        }
        Ok(())
    }

    /// All but those of the signature.
    fn sources(&self) -> impl Iterator<Item = &Source> {
        let parts = self.parts.iter().filter_map(|part| match part {
            Part::Value(source) | Part::Optional(source) => Some(source),
            _ => None,
        });
        let timestamp = self.timestamp.as_ref().map(|(source, _)| source);
        let digest = self.digest.as_ref().map(|digest| &digest.source);
        parts
            .chain(timestamp)
            .chain(&self.id)
            .chain(&self.event)
            .chain(digest)
    }

    /// The scheme's headers under each of their names.
    fn brands(&self, signature: &Signature) -> Result<Vec<Brand>, SchemeError> {
        for source in self.sources() {
            if let Source::Header(name) = source {
                header(name)?;
            }
        }
        let rename = |source: &Source, other: Option<&(String, String)>| match (source, other) {
            (Source::Header(name), Some((prefix, other))) => {
                let name = name.to_ascii_lowercase();
                match name.strip_prefix(&prefix.to_ascii_lowercase()) {
                    Some(rest) => Source::Header(format!("{other}{rest}")),
                    None => Source::Header(name),
                }
            }
            _ => source.clone(),
        };
        let brand = |other: Option<&(String, String)>| {
            let place = |source: &Source| super::Place::new(&rename(source, other));
            let maybe = |source: Option<&Source>| source.map(place).transpose();
            Ok(Brand {
                signatures: signature
                    .sources
                    .iter()
                    .map(place)
                    .collect::<Result<_, _>>()?,
                id: maybe(self.id.as_ref())?,
                event: maybe(self.event.as_ref())?,
                timestamp: maybe(self.timestamp.as_ref().map(|(source, _)| source))?,
            })
        };
        let mut brands = vec![brand(None)?];
        if self.brand.is_some() {
            brands.push(brand(self.brand.as_ref())?);
        }
        Ok(brands)
    }
}

pub(super) fn header(name: &str) -> Result<HeaderName, SchemeError> {
    HeaderName::try_from(name).map_err(|_| SchemeError::HeaderName(name.to_owned()))
}
