use http::{
    HeaderMap, HeaderName,
    header::{ACCEPT, ACCEPT_CHARSET, ACCEPT_ENCODING, ACCEPT_LANGUAGE, HeaderValue, VARY},
};

use super::{list::members, shared::Settings};

/// How the value of a selecting header is compared; `None` for as it is.
pub(crate) type Normalize = fn(&HeaderName, &str) -> Option<String>;

/// Stands for the values a request has for the headers a response varies on.
pub(crate) type Selection = [u8; 32];

/// The headers on which the responses under a key vary, and the variants that are stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Index {
    pub(crate) names: Vec<HeaderName>,
    /// The oldest first.
    pub(crate) variants: Vec<Selection>,
    /// The most of them.
    pub(crate) most: usize,
}

impl Index {
    /// With the newest of this after what an older one names. The oldest variant goes when there
    /// are too many; all go that were selected by other headers.
    pub(crate) fn over(&self, older: &Self) -> Self {
        let mut variants = if older.names == self.names {
            older.variants.clone()
        } else {
            Vec::new()
        };
        if let Some(newest) = self.variants.last() {
            variants.retain(|variant| variant != newest);
            let surplus = (variants.len() + 1).saturating_sub(self.most.max(1));
            variants.drain(..surplus.min(variants.len()));
            variants.push(*newest);
        }
        Self {
            names: self.names.clone(),
            variants,
            most: self.most,
        }
    }
}

/// The headers a response varies on, sorted and each once. `None` where no request can be matched
/// against it: for `*` (RFC 9111 section 4.1), and for a list that cannot be read.
pub(crate) fn names(response: &HeaderMap) -> Option<Vec<HeaderName>> {
    let mut names = Vec::new();
    for line in response.get_all(VARY) {
        for member in line.as_bytes().split(|&byte| byte == b',') {
            match member.trim_ascii() {
                // RFC 9110 section 5.6.1.2: empty members of a list are ignored.
                b"" => {}
                b"*" => return None,
                name => names.push(HeaderName::from_bytes(name).ok()?),
            }
        }
    }
    names.sort_by(|a, b| a.as_str().cmp(b.as_str()));
    names.dedup();
    Some(names)
}

/// What selects among the variants (RFC 9111 section 4.1).
///
/// Lines of one name are joined as RFC 9110 section 5.3 allows. A header that is missing differs
/// from an empty one. Where the meaning of spaces and of upper and lower case is known, they make
/// no difference; otherwise values are compared byte by byte, and what means the same but is
/// written differently is another variant. Order always makes a difference: among languages of
/// equal weight, services commonly take the first.
pub(crate) fn selection(
    settings: &Settings,
    names: &[HeaderName],
    request: &HeaderMap,
) -> Selection {
    let mut digest = settings.seed.digest();
    for name in names {
        digest.part(b'n', name.as_str().as_bytes());
        let lines: Vec<&[u8]> = request
            .get_all(name)
            .iter()
            .map(HeaderValue::as_bytes)
            .map(<[u8]>::trim_ascii)
            .collect();
        if !lines.is_empty() {
            let value = normal(name, lines.join(&b", "[..]));
            let text = std::str::from_utf8(&value).ok();
            let own = settings.normalize.zip(text);
            match own.and_then(|(normalize, text)| normalize(name, text)) {
                Some(own) => digest.part(b'v', own.as_bytes()),
                None => digest.part(b'v', &value),
            }
        }
    }
    digest.finish()
}

fn normal(name: &HeaderName, value: Vec<u8>) -> Vec<u8> {
    // RFC 9110 section 12.5: weights and names of languages, charsets and codings are
    // case-insensitive; parameters of media types need not be.
    let folds = [ACCEPT_LANGUAGE, ACCEPT_ENCODING, ACCEPT_CHARSET].contains(name);
    if !folds && *name != ACCEPT {
        return value;
    }
    let mut normal = Vec::with_capacity(value.len());
    for member in members(&value).filter(|member| !member.is_empty()) {
        // Within quotes, a space is part of the value.
        let spaced = member.contains(&b'"');
        normal.extend(
            member
                .iter()
                .filter(|byte| spaced || !byte.is_ascii_whitespace()),
        );
        normal.push(b',');
    }
    if folds {
        normal.make_ascii_lowercase();
    }
    normal
}
