use std::borrow::Cow;

use bytes::Bytes;
use http::HeaderName;

use super::{Head, Source, builder::header};
use crate::{SchemeError, VerifiedBody, json};

/// A [`Source`] whose header has been read once and for all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    Header(HeaderName),
    Elsewhere(Source),
}

/// What was found at a place.
pub(crate) enum Found<'a> {
    Nothing,
    Once(Cow<'a, [u8]>),
    /// Which of them counts isn't known.
    Repeated,
    /// It is in the body, which isn't there yet.
    Later,
}

impl<'a> Found<'a> {
    pub(crate) fn of<T: Into<Cow<'a, [u8]>>>(mut values: impl Iterator<Item = T>) -> Self {
        match (values.next(), values.next()) {
            (None, _) => Self::Nothing,
            (Some(value), None) => Self::Once(value.into()),
            (Some(_), Some(_)) => Self::Repeated,
        }
    }

    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Once(bytes) => std::str::from_utf8(bytes).ok(),
            _ => None,
        }
    }
}

impl Place {
    pub(super) fn new(source: &Source) -> Result<Self, SchemeError> {
        match source {
            Source::Header(name) => header(name).map(Self::Header),
            other => Ok(Self::Elsewhere(other.clone())),
        }
    }

    pub(crate) fn is_in_body(&self) -> bool {
        matches!(self, Self::Elsewhere(source) if source.is_in_body())
    }

    /// Before the body. `pairs` are those of the signature's header.
    pub(crate) fn find<'a>(&self, head: Head<'a>, pairs: &Pairs<'a>) -> Found<'a> {
        match self {
            Self::Header(name) => Found::of(
                head.headers
                    .get_all(name)
                    .iter()
                    .map(|value| value.as_bytes()),
            ),
            Self::Elsewhere(source) => source.find(head, pairs),
        }
    }
}

/// The pairs of a signature's header, as items of it.
pub(crate) struct Pairs<'a> {
    pub(crate) items: Vec<(&'a str, &'a str)>,
}

impl Source {
    pub(crate) fn find<'a>(&self, head: Head<'a>, pairs: &Pairs<'a>) -> Found<'a> {
        match self {
            Self::Header(name) => {
                let values = head.headers.get_all(name.as_str());
                Found::of(values.iter().map(|value| value.as_bytes()))
            }
            Self::Pair(key) => {
                let values = pairs.items.iter().filter(|(name, _)| name == key);
                Found::of(values.map(|(_, value)| value.as_bytes()))
            }
            Self::Query(wanted) => {
                let query = head.uri.and_then(http::Uri::query).unwrap_or_default();
                let values = form_urlencoded::parse(query.as_bytes())
                    .filter(|(name, _)| name == wanted)
                    .map(|(_, value)| value.into_owned().into_bytes());
                Found::of(values)
            }
            Self::Form(_) | Self::Json(_) => Found::Later,
        }
    }

    /// In a body that is there. Only for [`Form`](Self::Form) and [`Json`](Self::Json).
    pub(crate) fn find_in(&self, body: &VerifiedBody) -> Found<'static> {
        match self {
            Self::Json(pointer) => Found::of(
                json::find(body.reader(), pointer)
                    .map(String::into_bytes)
                    .into_iter(),
            ),
            Self::Form(wanted) => {
                let content = body.contiguous();
                let values: Vec<Vec<u8>> = form_urlencoded::parse(&content)
                    .filter(|(name, _)| name == wanted)
                    .map(|(_, value)| value.into_owned().into_bytes())
                    .collect();
                Found::of(values.into_iter())
            }
            _ => Found::Nothing,
        }
    }
}

impl Place {
    pub(crate) fn find_in(&self, body: &VerifiedBody) -> Found<'static> {
        match self {
            Self::Header(_) => Found::Nothing,
            Self::Elsewhere(source) => source.find_in(body),
        }
    }
}

/// Names and values of a form, sorted, each pair once, written behind one another.
pub(crate) fn sorted_form(content: &Bytes) -> Vec<u8> {
    let mut fields: Vec<_> = form_urlencoded::parse(content).collect();
    fields.sort();
    fields.dedup();
    let mut text = Vec::with_capacity(content.len());
    for (name, value) in &fields {
        text.extend_from_slice(name.as_bytes());
        text.extend_from_slice(value.as_bytes());
    }
    text
}
