use std::ops::Range;

use super::definition::definition;

/// How much the place of a word says.
mod strength {
    /// The name of a definition.
    pub(super) const DEFINED: f64 = 3.0;
    pub(super) const CODE: f64 = 1.0;
    /// Comments, string literals, imports, text.
    pub(super) const MENTIONED: f64 = 0.4;
}

/// What kind of line a word stands on.
pub(super) enum Line {
    /// Text, a comment, an import.
    Mentioned,
    Code,
    /// Code that defines the name at these bytes.
    Definition(Range<usize>),
}

impl Line {
    pub(super) fn classify(line: &str, prose: bool) -> Self {
        let trimmed = line.trim_start();
        if prose || is_comment(trimmed) || is_import(trimmed) {
            return Self::Mentioned;
        }
        definition(line).map_or(Self::Code, |definition| Self::Definition(definition.name))
    }

    pub(super) fn strength(&self, line: &str, at: usize) -> f64 {
        match self {
            Self::Mentioned => strength::MENTIONED,
            Self::Definition(name) if name.contains(&at) => strength::DEFINED,
            Self::Code | Self::Definition(_) if is_quoted(line, at) => strength::MENTIONED,
            Self::Code | Self::Definition(_) => strength::CODE,
        }
    }
}

pub(super) fn is_comment(trimmed: &str) -> bool {
    ["//", "/*", "* ", "*/", "<!--", "--", "# ", "\"\"\""]
        .iter()
        .any(|start| trimmed.starts_with(start))
}

pub(super) fn is_attribute(trimmed: &str) -> bool {
    trimmed.starts_with("#[") || trimmed.starts_with('@')
}

pub(super) fn is_import(trimmed: &str) -> bool {
    let words = trimmed.trim_start_matches("pub ");
    ["use ", "import ", "from ", "#include", "require"]
        .iter()
        .any(|start| words.starts_with(start))
        || words.starts_with("mod ") && words.ends_with(';')
}

/// Whether the place lies in a string literal or a comment behind the code.
fn is_quoted(line: &str, at: usize) -> bool {
    let before = &line[..at];
    let quotes = before.matches('"').count() - before.matches("\\\"").count();
    quotes % 2 == 1 || before.contains(" //")
}
