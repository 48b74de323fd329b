//! Targeted cache control (RFC 9213): a Structured Field dictionary of directives (RFC 9651).

use std::time::Duration;

use http::{HeaderMap, HeaderName};

use super::directives::{Directives, delta_seconds};

/// The directives of a targeted field. `None` where it is missing, empty or cannot be parsed:
/// then it counts as not there (RFC 9213 section 2.1).
pub(crate) fn directives(headers: &HeaderMap, name: &HeaderName) -> Option<Directives> {
    let mut lines = headers.get_all(name).iter();
    let mut text = lines.next()?.as_bytes().to_vec();
    for line in lines {
        text.extend_from_slice(b", ");
        text.extend_from_slice(line.as_bytes());
    }
    let members = Parser { rest: &text }.dictionary()?;
    if members.is_empty() {
        return None;
    }
    let mut directives = Directives::default();
    for (key, value) in members {
        let flag = value != Value::False;
        let lifetime = match value {
            Value::Integer(digits) => delta_seconds(digits),
            _ => None,
        };
        // Of a key that occurs twice the last counts (RFC 9651 section 4.2.2).
        match key {
            b"no-store" => directives.no_store = flag,
            b"no-cache" => directives.no_cache = flag,
            b"private" => directives.private = flag,
            b"public" => directives.public = flag,
            b"must-revalidate" => directives.must_revalidate = flag,
            b"proxy-revalidate" => directives.proxy_revalidate = flag,
            b"must-understand" => directives.must_understand = flag,
            b"immutable" => directives.immutable = flag,
            b"max-age" => directives.max_age = lifetime.or(Some(Duration::ZERO)),
            b"s-maxage" => directives.s_maxage = lifetime.or(Some(Duration::ZERO)),
            b"stale-while-revalidate" => directives.stale_while_revalidate = lifetime,
            b"stale-if-error" => directives.stale_if_error = lifetime,
            _ => {}
        }
    }
    Some(directives)
}

/// What of a member's value matters here.
#[derive(Debug, PartialEq, Eq)]
enum Value<'a> {
    False,
    True,
    /// The digits of a number that is neither negative nor a fraction.
    Integer(&'a [u8]),
    Other,
}

struct Parser<'a> {
    rest: &'a [u8],
}

impl<'a> Parser<'a> {
    /// RFC 9651 section 4.2.2.
    fn dictionary(mut self) -> Option<Vec<(&'a [u8], Value<'a>)>> {
        let mut members = Vec::new();
        self.skip(b" ");
        while !self.rest.is_empty() {
            let key = self.key()?;
            let value = if self.take(b'=') {
                self.item_or_inner_list()?
            } else {
                Value::True
            };
            self.parameters()?;
            members.push((key, value));
            self.skip(b" \t");
            if self.rest.is_empty() {
                break;
            }
            if !self.take(b',') {
                return None;
            }
            self.skip(b" \t");
            if self.rest.is_empty() {
                return None;
            }
        }
        Some(members)
    }

    fn item_or_inner_list(&mut self) -> Option<Value<'a>> {
        if !self.take(b'(') {
            return self.bare_item();
        }
        loop {
            self.skip(b" ");
            if self.take(b')') {
                return Some(Value::Other);
            }
            self.bare_item()?;
            self.parameters()?;
            if !matches!(self.rest.first(), Some(b' ' | b')')) {
                return None;
            }
        }
    }

    fn parameters(&mut self) -> Option<()> {
        while self.take(b';') {
            self.skip(b" ");
            self.key()?;
            if self.take(b'=') {
                self.bare_item()?;
            }
        }
        Some(())
    }

    fn key(&mut self) -> Option<&'a [u8]> {
        let starts = |byte: &u8| byte.is_ascii_lowercase() || *byte == b'*';
        self.rest.first().filter(|byte| starts(byte))?;
        Some(self.run(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-.*".contains(&byte)
        }))
    }

    /// RFC 9651 section 4.2.3.1.
    fn bare_item(&mut self) -> Option<Value<'a>> {
        match *self.rest.first()? {
            b'"' => self.string(),
            b'?' => {
                self.take(b'?');
                match self.take_any()? {
                    b'0' => Some(Value::False),
                    b'1' => Some(Value::True),
                    _ => None,
                }
            }
            b':' => {
                self.take(b':');
                self.run(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte));
                self.take(b':').then_some(Value::Other)
            }
            b'@' => {
                self.take(b'@');
                self.number().map(|_| Value::Other)
            }
            b'-' | b'0'..=b'9' => self.number(),
            byte if byte.is_ascii_alphabetic() || byte == b'*' => {
                self.run(|byte| {
                    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~:/".contains(&byte)
                });
                Some(Value::Other)
            }
            _ => None,
        }
    }

    fn number(&mut self) -> Option<Value<'a>> {
        let negative = self.take(b'-');
        let digits = self.run(|byte| byte.is_ascii_digit());
        if digits.is_empty() || digits.len() > 15 {
            return None;
        }
        if self.take(b'.') {
            let fraction = self.run(|byte| byte.is_ascii_digit());
            return ((1..=3).contains(&fraction.len()) && digits.len() <= 12)
                .then_some(Value::Other);
        }
        Some(if negative {
            Value::Other
        } else {
            Value::Integer(digits)
        })
    }

    fn string(&mut self) -> Option<Value<'a>> {
        self.take(b'"');
        loop {
            match self.take_any()? {
                b'"' => return Some(Value::Other),
                b'\\' => {
                    let escaped = self.take_any()?;
                    b"\"\\".contains(&escaped).then_some(())?;
                }
                b' '..=b'~' => {}
                _ => return None,
            }
        }
    }

    fn run(&mut self, accepts: impl Fn(u8) -> bool) -> &'a [u8] {
        let length = self
            .rest
            .iter()
            .position(|&byte| !accepts(byte))
            .unwrap_or(self.rest.len());
        let (run, rest) = self.rest.split_at(length);
        self.rest = rest;
        run
    }

    fn skip(&mut self, any: &[u8]) {
        self.run(|byte| any.contains(&byte));
    }

    fn take(&mut self, byte: u8) -> bool {
        let rest = self.rest.strip_prefix(&[byte]);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn take_any(&mut self) -> Option<u8> {
        let (&byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(byte)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn max_age(lines: &[&'static str]) -> Option<Option<u64>> {
        let name = HeaderName::from_static("cdn-cache-control");
        let headers = lines
            .iter()
            .map(|line| (name.clone(), line.parse().unwrap()))
            .collect();
        directives(&headers, &name).map(|of| of.max_age.map(|age| age.as_secs()))
    }

    #[test]
    fn a_field_that_cannot_be_parsed_counts_as_missing() {
        #[rustfmt::skip]
        let table: &[(&[&str], Option<Option<u64>>)] = &[
            (&["max-age=60"], Some(Some(60))),
            (&["foobar, max-age=60"], Some(Some(60))),
            (&["max-age=60;a=1;b"], Some(Some(60))),
            (&["x=(\"a\" b;q=1 2.5)", "max-age=60"], Some(Some(60))),
            (&["x=:YQ==:, y=?0, z=\"a\\\"b\", d=@1659578233, max-age=60"], Some(Some(60))),
            (&["max-age=1, max-age=60"], Some(Some(60))),
            (&["max-age=99999999999"], Some(Some(1 << 31))),
            (&["no-store"], Some(None)),
            // A value of another type is no lifetime.
            (&["max-age=\"60\""], Some(Some(0))),
            (&["max-age=60.5"], Some(Some(0))),
            (&["max-age=-60"], Some(Some(0))),
            (&["max-age"], Some(Some(0))),
            (&[""], None),
            (&[" "], None),
            (&["max-age=60, &&&&&"], None),
            (&["max-age=60,"], None),
            (&["max-age =60"], None),
            (&["max-age= 60"], None),
            (&["MaX-aGe=60"], None),
            (&["max-age=9999999999999999"], None),
            (&["x=\"a"], None),
            (&["x=(a"], None),
            (&["x=?2"], None),
        ];
        for (lines, expected) in table {
            assert_eq!(max_age(lines), *expected, "{lines:?}");
        }
        assert_eq!(max_age(&[]), None);
    }
}
