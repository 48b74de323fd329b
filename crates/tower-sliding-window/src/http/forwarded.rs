//! The addresses that proxies wrote down, last hop first. What the last proxies wrote stands at
//! the right; everything further left may have been written by the client.

use std::net::{IpAddr, Ipv6Addr};

use ::http::{HeaderMap, HeaderName, header::FORWARDED};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The entries of `X-Forwarded-For`; `None` for one that is no address.
pub(super) fn x_forwarded_for(headers: &HeaderMap) -> impl Iterator<Item = Option<IpAddr>> {
    lines(headers, X_FORWARDED_FOR)
        .flat_map(|line| line.rsplit(','))
        .map(node)
}

/// The `for` of the elements of `Forwarded` ([RFC 7239 section 4]); `None` where it is no address.
///
/// [RFC 7239 section 4]: https://www.rfc-editor.org/rfc/rfc7239#section-4
pub(super) fn forwarded(headers: &HeaderMap) -> impl Iterator<Item = Option<IpAddr>> {
    lines(headers, FORWARDED).flat_map(Elements).map(|element| {
        // Addresses need no escapes; where there are some, quotes may lie.
        if element.contains('\\') {
            return None;
        }
        let mut pairs = element.split(';').filter_map(|pair| pair.split_once('='));
        let (_, value) = pairs.find(|(name, _)| name.trim().eq_ignore_ascii_case("for"))?;
        let value = value.trim();
        let unquoted = value
            .strip_prefix('"')
            .map_or(Some(value), |rest| rest.strip_suffix('"'));
        node(unquoted?)
    })
}

/// Several lines of a field are one list, in order. One that is no text counts as an unknown hop.
fn lines(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    let values = headers.get_all(name).into_iter().rev();
    values.map(|value| value.to_str().unwrap_or("?"))
}

/// The elements of a list, from the right: commas between quotes do not separate. A quote that
/// the client left open swallows nothing of what was appended to it.
struct Elements<'a>(&'a str);

impl<'a> Iterator for Elements<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        if self.0.is_empty() {
            return None;
        }
        let mut quoted = false;
        let comma = self.0.bytes().rposition(|byte| {
            quoted ^= byte == b'"';
            byte == b',' && !quoted
        });
        let (rest, element) = match comma {
            Some(comma) => (&self.0[..comma], &self.0[comma + 1..]),
            None => ("", self.0),
        };
        self.0 = rest;
        Some(element)
    }
}

/// An address, with or without port, brackets and zone.
fn node(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    if let Some(rest) = text.strip_prefix('[') {
        let (address, port) = rest.split_once(']')?;
        let plain = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
        return plain.then(|| v6(address)).flatten();
    }
    match text.split_once(':') {
        Some((address, port)) if is_port(port) && address.contains('.') => {
            address.parse().ok().map(IpAddr::V4)
        }
        Some(_) => v6(text),
        None => text.parse().ok().map(IpAddr::V4),
    }
}

fn v6(text: &str) -> Option<IpAddr> {
    let address = text.split_once('%').map_or(text, |(address, _)| address);
    address.parse::<Ipv6Addr>().ok().map(IpAddr::V6)
}

fn is_port(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
