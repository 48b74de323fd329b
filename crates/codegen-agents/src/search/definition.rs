use std::ops::Range;

/// Words that may stand before the keyword of a definition.
const MODIFIERS: &[&str] = &[
    "abstract",
    "async",
    "const",
    "declare",
    "default",
    "export",
    "extern",
    "final",
    "inline",
    "internal",
    "local",
    "open",
    "override",
    "private",
    "protected",
    "pub",
    "public",
    "sealed",
    "static",
    "unsafe",
    "virtual",
];

/// Keywords followed by the name they define, over the languages people write.
const KEYWORDS: &[&str] = &[
    "class",
    "const",
    "def",
    "defmodule",
    "enum",
    "fn",
    "func",
    "fun",
    "function",
    "impl",
    "interface",
    "macro_rules!",
    "mod",
    "module",
    "namespace",
    "object",
    "package",
    "proc",
    "protocol",
    "record",
    "static",
    "struct",
    "sub",
    "template",
    "trait",
    "type",
    "typedef",
    "union",
];

/// Keywords that define a value or an alias on a line of their own rather than a body.
const VALUES: &[&str] = &["const", "static", "type", "typedef"];

/// What a line defines.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Definition {
    /// Where in the line the name stands, in bytes.
    pub(crate) name: Range<usize>,
    /// Whether lines below belong to it.
    pub(crate) has_body: bool,
}

/// The definition on a line, in any language that says so with a keyword.
pub(crate) fn definition(line: &str) -> Option<Definition> {
    let mut rest = line.trim_start();
    let mut keyword = None;
    loop {
        let at = line.len() - rest.len();
        let word_end = rest
            .find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '!'))
            .unwrap_or(rest.len());
        let word = &rest[..word_end];
        if word.is_empty() {
            return None;
        }
        let is_keyword = KEYWORDS.contains(&word);
        let is_modifier = MODIFIERS.contains(&word);
        if let Some(keyword) = keyword
            && !is_keyword
            && !is_modifier
        {
            // `impl Trait for Type` names both.
            return Some(Definition {
                name: at..at + name_end(rest, word_end),
                has_body: !VALUES.contains(&keyword),
            });
        }
        if !is_keyword && !is_modifier {
            return None;
        }
        if is_keyword {
            keyword = Some(word);
        }
        rest = skip_brackets(&rest[word_end..]).trim_start();
    }
}

/// `pub(crate)`, `extern "C"` and `impl<T>`: what may stand between a word and the next.
fn skip_brackets(rest: &str) -> &str {
    let rest = rest.trim_start_matches(' ');
    let close = match rest.chars().next() {
        Some('(') => ')',
        Some('<') => '>',
        Some('"') => '"',
        _ => return rest,
    };
    rest[1..].find(close).map_or("", |end| &rest[end + 2..])
}

fn name_end(rest: &str, word_end: usize) -> usize {
    match rest.find(" for ") {
        Some(at) if !rest[..at].contains(['{', '(', '=', ';']) => {
            let target = at + " for ".len();
            rest[target..]
                .find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | ':')))
                .map_or(rest.len(), |end| target + end)
        }
        _ => word_end,
    }
}

#[cfg(test)]
mod tests {
    use super::definition;

    #[test]
    fn definitions_of_many_languages_are_seen() {
        for (line, name) in [
            ("pub(crate) fn half_open(&self) {", "half_open"),
            ("    pub const fn new() -> Self {", "new"),
            ("enum State {", "State"),
            (
                "impl<S> Service<Request> for Timeout<S> {",
                "Service<Request> for Timeout",
            ),
            ("macro_rules! check {", "check"),
            ("pub unsafe extern \"C\" fn call()", "call"),
            ("const LIMIT: u32 = 3;", "LIMIT"),
            ("static COUNT: u32 = 3;", "COUNT"),
            ("class Breaker(Base):", "Breaker"),
            ("    async def probe(self):", "probe"),
            ("export default function render(a) {", "render"),
            ("export const limit = 3", "limit"),
            ("func Allow() bool {", "Allow"),
            ("public static class Window {", "Window"),
            ("type Key = u64;", "Key"),
        ] {
            let found = definition(line).map(|definition| &line[definition.name]);
            assert_eq!(found, Some(name), "{line}");
        }
    }

    #[test]
    fn uses_are_not_definitions() {
        for line in [
            "",
            "fn",
            "let open = half();",
            "state.half_open();",
            "// fn half_open",
            "use crate::fn_name;",
            "return function;",
            "pub(",
            "impl<",
            "é fn",
        ] {
            assert_eq!(definition(line), None, "{line}");
        }
    }
}
