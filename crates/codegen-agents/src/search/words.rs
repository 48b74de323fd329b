/// A part of an identifier or a plain word, with its place in the text it came from.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Word {
    /// Byte offset of the first letter.
    pub(crate) start: usize,
    /// Byte offset behind the last letter.
    pub(crate) end: usize,
    /// What is compared: lower case, without the endings of English grammar.
    pub(crate) stem: String,
}

/// The words of a text: `HalfOpen`, `half_open` and `half-open` are all `half`, `open`.
pub(crate) fn words(text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut start = None;
    let mut chars = text.char_indices().peekable();
    let mut previous = None;
    while let Some((at, c)) = chars.next() {
        if !c.is_alphanumeric() {
            push(&mut words, text, start.take(), at);
            previous = None;
            continue;
        }
        let next_is_lower = chars.peek().is_some_and(|(_, next)| next.is_lowercase());
        // `aB` starts a word at B, and so does the last capital of `HTTPServer`.
        let boundary = c.is_uppercase()
            && previous.is_some_and(|previous: char| !previous.is_uppercase() || next_is_lower);
        if boundary {
            push(&mut words, text, start.take(), at);
        }
        start.get_or_insert(at);
        previous = Some(c);
    }
    push(&mut words, text, start, text.len());
    words
}

fn push(words: &mut Vec<Word>, text: &str, start: Option<usize>, end: usize) {
    if let Some(start) = start {
        words.push(Word {
            start,
            end,
            stem: stem(&text[start..end]),
        });
    }
}

/// Whether two neighbours belong to one name: nothing or one joining character between them.
pub(crate) fn joined(text: &str, left: &Word, right: &Word) -> bool {
    matches!(&text[left.end..right.start], "" | "-" | "_" | " ")
}

/// Light on purpose: it only makes `decided` and `decide`, `retries` and `retry` the same.
pub(crate) fn stem(word: &str) -> String {
    const SHORTEST: usize = 3;
    let mut stem = word.to_lowercase();
    if !stem.is_ascii() {
        return stem;
    }
    let cut = |stem: &mut String, ending: &str| {
        let fits = stem
            .strip_suffix(ending)
            .is_some_and(|rest| rest.len() >= SHORTEST);
        if fits {
            stem.truncate(stem.len() - ending.len());
        }
        fits
    };
    if cut(&mut stem, "ies") || cut(&mut stem, "ied") {
        stem.push('y');
        return stem;
    }
    if !stem.ends_with("ss") && !stem.ends_with("us") && !stem.ends_with("is") {
        cut(&mut stem, "s");
    }
    if cut(&mut stem, "ing") || cut(&mut stem, "ed") {
        let bytes = stem.as_bytes();
        let doubled = bytes.len() > SHORTEST && bytes[bytes.len() - 1] == bytes[bytes.len() - 2];
        // `stopped` is `stop`, but `called` is `call`.
        if doubled && !matches!(bytes[bytes.len() - 1], b'l' | b's' | b'z') {
            stem.pop();
        }
    }
    cut(&mut stem, "e");
    stem
}

#[cfg(test)]
mod tests {
    use super::{stem, words};

    fn stems(text: &str) -> Vec<String> {
        words(text).into_iter().map(|word| word.stem).collect()
    }

    #[test]
    fn every_spelling_of_an_identifier_has_the_same_words() {
        for spelling in [
            "CircuitBreaker",
            "circuit_breaker",
            "circuit-breaker",
            "CIRCUIT_BREAKER",
            "circuitBreaker",
        ] {
            assert_eq!(stems(spelling), ["circuit", "breaker"], "{spelling}");
        }
        assert_eq!(stems("HTTPServer"), ["http", "server"]);
        assert_eq!(stems("sha256Sum"), ["sha256", "sum"]);
    }

    #[test]
    fn grammar_does_not_separate_a_word_from_itself() {
        for (left, right) in [
            ("decided", "decide"),
            ("deciding", "decides"),
            ("retries", "retry"),
            ("retried", "retry"),
            ("stopped", "stop"),
            ("caching", "cache"),
            ("probes", "probe"),
            ("rounded", "round"),
        ] {
            assert_eq!(stem(left), stem(right), "{left} {right}");
        }
        assert_ne!(stem("state"), stem("status"));
        assert_eq!(stem("as"), "as");
        assert_eq!(stem("red"), "red");
    }

    #[test]
    fn offsets_stay_on_character_boundaries() {
        let text = "größeÄnderung – ΑΒγ ﬀ";
        for word in words(text) {
            assert!(!text[word.start..word.end].is_empty());
        }
    }
}
