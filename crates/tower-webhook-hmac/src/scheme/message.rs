//! What is signed, piece by piece.

use super::{
    Head, Part, Source, Spec,
    place::{Found, Pairs, sorted_form},
};
use crate::{Encoding, Hash, Rejection, VerifiedBody, claim::Claim, hash::Hasher, tag::Tag};

/// What is signed: the bytes around the body, or pieces that wait for it.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) pieces: Vec<Piece>,
}

#[derive(Debug)]
pub(crate) enum Piece {
    Known(Vec<u8>),
    Body,
    Digest(Hash, Encoding),
    Secret,
    SortedForm,
    /// In the body; `true` when it may be missing.
    Value(Source, bool),
    Timestamp,
    Id,
}

/// What is known of the timestamp and the id, as they are written.
pub(crate) struct Known<'a> {
    pub(crate) timestamp: Option<&'a [u8]>,
    pub(crate) id: Option<&'a [u8]>,
}

pub(super) fn messages(
    spec: &Spec,
    head: Head<'_>,
    pairs: &Pairs<'_>,
    known: &Known<'_>,
) -> Result<Vec<Message>, Rejection> {
    let target = head.uri.and_then(|uri| uri.path_and_query());
    let target = target.map_or("", |target| target.as_str());
    let urls = match &spec.url {
        Some(url) if spec.parts.contains(&Part::Url) => url.spellings(target),
        _ => vec![String::new()],
    };
    let message = |url: &String| message(spec, head, pairs, known, url);
    urls.iter().map(message).collect()
}

/// What a signer signs.
pub(crate) fn sign_message(
    spec: &Spec,
    head: Head<'_>,
    known: &Known<'_>,
) -> Result<Message, Rejection> {
    let pairs = Pairs { items: Vec::new() };
    let messages = messages(spec, head, &pairs, known)?;
    messages.into_iter().next().ok_or(Rejection::MissingField)
}

/// The pieces of what is signed, with `url` for the URL. Neighbours that are known are one piece.
fn message(
    spec: &Spec,
    head: Head<'_>,
    pairs: &Pairs<'_>,
    known: &Known<'_>,
    url: &str,
) -> Result<Message, Rejection> {
    let mut pieces: Vec<Piece> = Vec::new();
    let uri = head.uri.ok_or(Rejection::MissingField);
    let know = |pieces: &mut Vec<Piece>, bytes: &[u8]| match pieces.last_mut() {
        Some(Piece::Known(known)) => known.extend_from_slice(bytes),
        _ => pieces.push(Piece::Known(bytes.to_vec())),
    };
    for part in &spec.parts {
        match part {
            Part::Body => pieces.push(Piece::Body),
            Part::Timestamp => match known.timestamp {
                Some(text) => know(&mut pieces, text),
                None => pieces.push(Piece::Timestamp),
            },
            Part::Id => match known.id {
                Some(text) => know(&mut pieces, text),
                None => pieces.push(Piece::Id),
            },
            Part::Literal(bytes) => know(&mut pieces, bytes),
            Part::Method => {
                let method = head.method.ok_or(Rejection::MissingField)?;
                know(&mut pieces, method.as_str().as_bytes());
            }
            Part::Url => know(&mut pieces, url.as_bytes()),
            Part::Path => know(&mut pieces, uri?.path().as_bytes()),
            Part::PathAndQuery => {
                let target = uri?.path_and_query().map_or("/", |target| target.as_str());
                know(&mut pieces, target.as_bytes());
            }
            Part::Query => know(&mut pieces, uri?.query().unwrap_or_default().as_bytes()),
            Part::Value(source) => match source.find(head, pairs) {
                Found::Once(value) => know(&mut pieces, &value),
                Found::Later => pieces.push(Piece::Value(source.clone(), false)),
                Found::Nothing | Found::Repeated => return Err(Rejection::MissingField),
            },
            Part::Optional(source) => match source.find(head, pairs) {
                Found::Once(value) => know(&mut pieces, &value),
                Found::Later => pieces.push(Piece::Value(source.clone(), true)),
                Found::Nothing => {}
                Found::Repeated => return Err(Rejection::MissingField),
            },
            Part::SortedForm => pieces.push(Piece::SortedForm),
            Part::BodyDigest(hash, encoding) => pieces.push(Piece::Digest(*hash, *encoding)),
            Part::Secret => pieces.push(Piece::Secret),
        }
    }
    Ok(Message { pieces })
}

impl Piece {
    /// Hands the bytes of the piece to `sink`.
    pub(crate) fn write(
        &self,
        claim: &Claim,
        secret: Option<&[u8]>,
        body: &VerifiedBody,
        mut sink: impl FnMut(&[u8]),
    ) -> Result<(), Rejection> {
        let brand = &claim.spec.brands[claim.brand];
        let mut value = |found: Found<'_>, may_be_missing: bool| match found {
            Found::Once(bytes) => {
                sink(&bytes);
                Ok(())
            }
            Found::Nothing if may_be_missing => Ok(()),
            _ => Err(Rejection::MissingField),
        };
        match self {
            Self::Known(bytes) => sink(bytes),
            Self::Body => body.frames().for_each(|frame| sink(frame)),
            Self::Digest(hash, encoding) => {
                let tag = digest(*hash, body);
                sink(encoding.encode(tag.as_bytes()).as_bytes());
            }
            Self::Secret => sink(secret.unwrap_or_default()),
            Self::SortedForm if claim.is_form => sink(&sorted_form(&body.contiguous())),
            Self::SortedForm => {}
            Self::Value(source, may_be_missing) => value(source.find_in(body), *may_be_missing)?,
            Self::Timestamp => match &brand.timestamp {
                Some(place) => value(place.find_in(body), false)?,
                None => return Err(Rejection::MissingTimestamp),
            },
            Self::Id => match &brand.id {
                Some(place) => value(place.find_in(body), false)?,
                None => return Err(Rejection::MissingId),
            },
        }
        Ok(())
    }
}

pub(crate) fn digest(hash: Hash, body: &VerifiedBody) -> Tag {
    let mut hasher = Hasher::plain(hash);
    body.frames().for_each(|frame| hasher.update(frame));
    hasher.finish()
}
