//! What can be said of a request before its body.

use std::{sync::Arc, time::SystemTime};

use super::{
    Brand, Head, Part, Spec,
    message::{Known, messages},
    place::{Found, Pairs, Place},
    signature::Layout,
};
use crate::{
    Rejection, Verified,
    claim::{Claim, Expected},
    tag::Tag,
    timestamp::is_within,
};

/// More signatures in one request than any provider sends while secrets are being replaced; each
/// costs a comparison.
const MAX_SIGNATURES: usize = 16;

pub(super) fn judge(
    spec: &Arc<Spec>,
    head: Head<'_>,
    now: SystemTime,
) -> Result<Box<Claim>, Rejection> {
    let brand = brand(spec, head)?;
    let (expected, pairs) = signatures(spec, brand, head)?;
    let timestamp = timestamp(spec, brand, head, &pairs, now)?;
    let id = brand.id.as_ref().map(|place| place.find(head, &pairs));
    if spec.id_is_signed {
        check_id(spec, id.as_ref())?;
    }
    let label = |found: Option<&Found<'_>>| found.and_then(Found::text).map(str::to_owned);
    let event = brand.event.as_ref().map(|place| place.find(head, &pairs));
    let known = Known {
        timestamp: match &timestamp {
            Some((Found::Once(text), _)) => Some(text),
            _ => None,
        },
        id: match &id {
            Some(Found::Once(text)) => Some(text),
            _ => None,
        },
    };
    let messages = if spec.parts == [Part::Body] {
        Vec::new()
    } else {
        messages(spec, head, &pairs, &known)?
    };
    let digest = match &spec.digest {
        Some(digest) => match digest.source.find(head, &pairs) {
            Found::Once(text) => Some(text.into_owned()),
            Found::Repeated => return Err(Rejection::MissingField),
            Found::Nothing | Found::Later => None,
        },
        None => None,
    };
    let verified = Verified::new(
        spec,
        label(event.as_ref()),
        label(id.as_ref()),
        timestamp.and_then(|(_, time)| time),
    );
    Ok(Box::new(Claim {
        brand: spec
            .brands
            .iter()
            .position(|each| std::ptr::eq(each, brand))
            .unwrap_or(0),
        spec: Arc::clone(spec),
        expected,
        messages,
        digest,
        is_form: head.is_form(),
        now,
        verified,
    }))
}

/// The names this request uses.
fn brand<'a>(spec: &'a Spec, head: Head<'_>) -> Result<&'a Brand, Rejection> {
    let present = |brand: &&Brand, other: Option<&Brand>| {
        let own = |place: &&Place| other.is_none_or(|other| !other.places().any(|it| it == *place));
        brand
            .places()
            .filter(own)
            .any(|place| matches!(place, Place::Header(name) if head.headers.contains_key(name)))
    };
    match &spec.brands[..] {
        [first, second] => match (present(&first, Some(second)), present(&second, Some(first))) {
            (true, true) => Err(Rejection::ConflictingHeaders),
            (false, true) => Ok(second),
            _ => Ok(first),
        },
        brands => brands.first().ok_or(Rejection::MissingSignature),
    }
}

impl Brand {
    fn places(&self) -> impl Iterator<Item = &Place> {
        let further = [&self.id, &self.timestamp].into_iter().flatten();
        self.signatures.iter().chain(further)
    }
}

/// The signatures that the request claims to be right, and the pairs beside them.
fn signatures<'a>(
    spec: &Spec,
    brand: &Brand,
    head: Head<'a>,
) -> Result<(Expected, Pairs<'a>), Rejection> {
    let mut pairs = Pairs { items: Vec::new() };
    let mut expected = Expected::default();
    let mut any = false;
    for place in &brand.signatures {
        let Place::Header(name) = place else {
            match place.find(head, &pairs) {
                Found::Later => {
                    expected.in_body = true;
                    any = true;
                }
                Found::Nothing => {}
                Found::Repeated => return Err(Rejection::RepeatedSignature),
                found @ Found::Once(_) => {
                    let text = found.text().ok_or(Rejection::MalformedSignature)?;
                    read(spec, text, &mut expected)?;
                    any = true;
                }
            }
            continue;
        };
        let values = head.headers.get_all(name);
        // Even two equal ones: which of them another hop read is not known here.
        if !spec.signature.repeats && values.iter().nth(1).is_some() {
            return Err(Rejection::RepeatedSignature);
        }
        for value in values {
            let text =
                std::str::from_utf8(value.as_bytes()).map_err(|_| Rejection::MalformedSignature)?;
            read(spec, text, &mut expected)?;
            if let Layout::Pairs { assign, .. } = &spec.signature.layout {
                let items = spec.signature.items(text);
                pairs
                    .items
                    .extend(items.filter_map(|item| item.split_once(*assign)));
            }
            any = true;
        }
    }
    if !any {
        return Err(Rejection::MissingSignature);
    }
    expected.conclude()?;
    Ok((expected, pairs))
}

/// Adds the signatures of a text.
pub(crate) fn read(spec: &Spec, text: &str, expected: &mut Expected) -> Result<(), Rejection> {
    let mut items = 0;
    for item in spec.signature.items(text) {
        items += 1;
        let Some(text) = spec.signature.text_of(item) else {
            expected.malformed |= !matches!(spec.signature.layout, Layout::List { .. });
            continue;
        };
        expected.candidates += 1;
        if expected.candidates > MAX_SIGNATURES {
            return Err(Rejection::TooManySignatures);
        }
        // One byte of room tells what is too long from what fits.
        let mut bytes = [0; 80];
        let len = spec
            .signature
            .encoding
            .decode_into(text.as_bytes(), &mut bytes);
        match len {
            Some(len) if len == spec.tag_len => expected.push(Tag::new(&bytes[..len])),
            // While secrets are replaced another signature may still be right.
            _ => expected.malformed = true,
        }
    }
    expected.malformed |= items == 0;
    Ok(())
}

/// As it is written, and as a time when it is already there.
type Timestamp<'a> = Option<(Found<'a>, Option<SystemTime>)>;

fn timestamp<'a>(
    spec: &Spec,
    brand: &Brand,
    head: Head<'a>,
    pairs: &Pairs<'a>,
    now: SystemTime,
) -> Result<Timestamp<'a>, Rejection> {
    let Some(place) = &brand.timestamp else {
        return Ok(None);
    };
    match place.find(head, pairs) {
        Found::Later => Ok(Some((Found::Later, None))),
        found => {
            let time = read_timestamp(spec, &found, now)?;
            Ok(Some((found, Some(time))))
        }
    }
}

pub(crate) fn read_timestamp(
    spec: &Spec,
    found: &Found<'_>,
    now: SystemTime,
) -> Result<SystemTime, Rejection> {
    if matches!(found, Found::Nothing | Found::Later) {
        return Err(Rejection::MissingTimestamp);
    }
    let text = found.text().ok_or(Rejection::MalformedTimestamp)?;
    let time = spec.timestamp.and_then(|unit| unit.parse(text));
    let time = time.ok_or(Rejection::MalformedTimestamp)?;
    if is_within(time, now, spec.tolerance) {
        Ok(time)
    } else {
        Err(Rejection::OutsideTolerance)
    }
}

fn check_id(spec: &Spec, id: Option<&Found<'_>>) -> Result<(), Rejection> {
    match id {
        Some(Found::Once(id)) if id.is_empty() => Err(Rejection::MissingId),
        Some(Found::Once(id)) => {
            // An id that holds what separates it from the next piece could be cut elsewhere: the
            // same signature would stand for another id and another rest. No provider's ids do.
            let mut parts = spec
                .parts
                .iter()
                .skip_while(|part| **part != Part::Id)
                .skip(1);
            let separated = match parts.next() {
                Some(Part::Literal(separator)) if !separator.is_empty() => !id
                    .windows(separator.len())
                    .any(|window| window == separator),
                _ => true,
            };
            if separated {
                Ok(())
            } else {
                Err(Rejection::WrongSignature)
            }
        }
        Some(Found::Repeated) => Err(Rejection::RepeatedId),
        Some(Found::Later) => Ok(()),
        Some(Found::Nothing) | None => Err(Rejection::MissingId),
    }
}
