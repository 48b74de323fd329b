/// The members of a comma-separated list (RFC 9110 section 5.6.1), without the space around them.
/// Commas within quoted strings separate nothing.
pub(crate) const fn members(list: &[u8]) -> Members<'_> {
    Members { rest: Some(list) }
}

#[derive(Clone)]
pub(crate) struct Members<'a> {
    rest: Option<&'a [u8]>,
}

impl<'a> Members<'a> {
    /// Whether the list ends within a quoted string.
    pub(crate) fn is_unclosed(&self) -> bool {
        self.rest.is_some_and(|rest| scan(rest, |_| false).1)
    }
}

impl<'a> Iterator for Members<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let rest = self.rest?;
        let (at, _) = scan(rest, |byte| byte == b',');
        let member = &rest[..at];
        self.rest = rest.get(at + 1..);
        Some(member.trim_ascii())
    }
}

/// How far it is to the first byte outside of quoted strings that `stop` accepts, or to the end;
/// and whether that is within a quoted string.
fn scan(list: &[u8], stop: impl Fn(u8) -> bool) -> (usize, bool) {
    let (mut quoted, mut escaped) = (false, false);
    for (at, &byte) in list.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if !quoted && stop(byte) => return (at, false),
            _ => {}
        }
    }
    (list.len(), quoted)
}
