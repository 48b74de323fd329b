//! Hexadecimal in its one canonical spelling: lowercase, nothing around it. A second spelling of
//! the same signature would be a second identity of the same request.

use crate::verifier::Tag;

const DIGITS: &[u8; 16] = b"0123456789abcdef";

pub(crate) fn encode(tag: &Tag) -> String {
    tag.iter()
        .flat_map(|byte| [byte >> 4, byte & 0xf])
        .map(|nibble| char::from(DIGITS[usize::from(nibble)]))
        .collect()
}

/// `None` unless `text` is exactly one tag.
pub(crate) fn decode(text: &[u8]) -> Option<Tag> {
    let mut tag = Tag::default();
    if text.len() != tag.len() * 2 {
        return None;
    }
    for (byte, pair) in tag.iter_mut().zip(text.chunks_exact(2)) {
        *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
    }
    Some(tag)
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}
