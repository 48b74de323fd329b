use super::part::Source;
use crate::Encoding;

/// Where a scheme's signatures stand and how they are written.
///
/// Without further words: one header, with one signature in [`Encoding::Hex`] and nothing around
/// it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    pub(super) sources: Vec<Source>,
    pub(super) layout: Layout,
    pub(super) prefix: String,
    pub(super) encoding: Encoding,
    pub(super) repeats: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Layout {
    One,
    List {
        separator: char,
    },
    Pairs {
        separator: char,
        assign: char,
        key: String,
    },
}

impl Signature {
    /// In a header.
    #[must_use]
    pub fn header(name: impl Into<String>) -> Self {
        Self::at(Source::header(name))
    }

    /// Anywhere else but in [`Source::Pair`].
    #[must_use]
    pub fn at(source: Source) -> Self {
        Self {
            sources: vec![source],
            layout: Layout::One,
            prefix: String::new(),
            encoding: Encoding::Hex,
            repeats: false,
        }
    }

    /// Another signature stands here, while secrets are being replaced: either will do, and one of
    /// the two may be missing.
    #[must_use]
    pub fn or_header(mut self, name: impl Into<String>) -> Self {
        self.sources.push(Source::header(name));
        self
    }

    /// This text stands before each signature: `sha256=`. In a list, what begins otherwise is a
    /// signature of another kind, and passed over.
    #[must_use]
    pub fn prefix(mut self, text: impl Into<String>) -> Self {
        self.prefix = text.into();
        self
    }

    /// How the bytes of a signature are written.
    #[must_use]
    pub fn encoding(mut self, encoding: Encoding) -> Self {
        self.encoding = encoding;
        self
    }

    /// Several signatures with `separator` between them, any of which will do: `v1,… v1,…`. White
    /// space around each is passed over.
    #[must_use]
    pub fn list(mut self, separator: char) -> Self {
        self.layout = Layout::List { separator };
        self
    }

    /// Pairs with `separator` between them, each a key, `assign`, and a value: `t=…,v1=…`. The
    /// signatures are the values with this key; the values with other keys are passed over, or
    /// are found with [`Source::Pair`].
    #[must_use]
    pub fn pairs(mut self, separator: char, assign: char, key: impl Into<String>) -> Self {
        self.layout = Layout::Pairs {
            separator,
            assign,
            key: key.into(),
        };
        self
    }

    /// The header may occur more than once, any of its signatures will do. Otherwise a second
    /// header is answered with 400: which of two another hop has read is not known here.
    #[must_use]
    pub fn repeats(mut self) -> Self {
        self.repeats = true;
        self
    }

    pub(crate) fn may_be_many(&self) -> bool {
        self.repeats || self.sources.len() > 1 || self.layout != Layout::One
    }

    /// The items of a value, trimmed where they are a list.
    pub(super) fn items<'a>(&self, value: &'a str) -> impl Iterator<Item = &'a str> {
        let separator = match self.layout {
            Layout::One => None,
            Layout::List { separator } | Layout::Pairs { separator, .. } => Some(separator),
        };
        let whole = separator.is_none().then_some(value);
        let parts = separator.map(|separator| {
            value
                .split(separator)
                .map(|item| item.trim_matches([' ', '\t']))
                .filter(|item| !item.is_empty())
        });
        whole.into_iter().chain(parts.into_iter().flatten())
    }

    /// What an item says of a signature: the text after the prefix. `None` for items of another
    /// kind.
    pub(super) fn text_of<'a>(&self, item: &'a str) -> Option<&'a str> {
        let item = match &self.layout {
            Layout::Pairs { assign, key, .. } => {
                let (name, value) = item.split_once(*assign)?;
                if name.trim_end() != key {
                    return None;
                }
                value
            }
            _ => item,
        };
        item.strip_prefix(self.prefix.as_str())
    }
}

impl Signature {
    pub(crate) fn encode(&self, bytes: &[u8]) -> String {
        self.encoding.encode(bytes)
    }

    /// The text of a header with this signature.
    pub(crate) fn write(&self, pairs: &[(String, String)], signature: &str) -> String {
        let signature = format!("{}{signature}", self.prefix);
        let Layout::Pairs {
            separator,
            assign,
            key,
        } = &self.layout
        else {
            return signature;
        };
        let mut text = String::new();
        for (key, value) in pairs {
            text.push_str(&format!("{key}{assign}{value}{separator}"));
        }
        text.push_str(&format!("{key}{assign}{signature}"));
        text
    }
}
