use http::{
    HeaderMap, HeaderName,
    header::{HeaderValue, VARY},
};

use super::seed::Seed;

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

/// Stands for the values a request has for the headers a response varies on.
///
/// Lines of one name are joined as RFC 9110 section 5.3 allows. A header that is missing differs
/// from an empty one. Otherwise values are compared byte by byte: what means the same but is
/// written differently is another variant.
pub(crate) fn digest(seed: &Seed, names: &[HeaderName], request: &HeaderMap) -> [u8; 32] {
    let mut digest = seed.digest();
    for name in names {
        digest.part(b'n', name.as_str().as_bytes());
        let lines: Vec<&[u8]> = request
            .get_all(name)
            .iter()
            .map(HeaderValue::as_bytes)
            .map(<[u8]>::trim_ascii)
            .collect();
        if !lines.is_empty() {
            digest.part(b'v', &lines.join(&b", "[..]));
        }
    }
    digest.finish()
}
