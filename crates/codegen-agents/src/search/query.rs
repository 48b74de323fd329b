use super::words::{Word, joined, words};

/// Sets of terms are bits of one word.
const MOST_TERMS: usize = 64;

/// Nobody writes longer words and names; a prompt may, and the pattern must stay small.
const LONGEST_WORD: usize = 64;
const LONGEST_NAME: usize = 8;

/// A name asked for by its own spelling (`half-open`) is what the prompt is about.
const NAME: f64 = 1.5;
/// A plain word.
const PLAIN: f64 = 1.0;
/// Two plain words side by side: probably a name.
const PAIR: f64 = 0.8;
/// Words of the question rather than of the code.
const WEAK: f64 = 0.3;
/// The parts of a name, wherever they stand alone.
const PART: f64 = 0.25;

/// Words that say nothing about where something is.
const STOP: &[&str] = &[
    "a", "about", "after", "all", "also", "am", "an", "and", "any", "are", "as", "at", "be",
    "been", "before", "being", "but", "by", "can", "could", "did", "do", "does", "doing", "done",
    "for", "from", "get", "give", "had", "has", "have", "he", "how", "i", "if", "in", "into", "is",
    "it", "its", "just", "let", "me", "my", "no", "not", "of", "on", "or", "our", "please", "she",
    "should", "so", "some", "than", "that", "the", "their", "them", "then", "there", "these",
    "they", "this", "those", "to", "up", "us", "was", "we", "were", "what", "when", "where",
    "which", "who", "why", "will", "with", "would", "you", "your",
];

/// Stems of the verbs and nouns questions about code are made of.
const ASKING: &[&str] = &[
    "answer",
    "call",
    "cod",
    "comput",
    "contain",
    "crat",
    "declar",
    "decid",
    "defin",
    "describ",
    "determin",
    "exist",
    "explain",
    "fil",
    "find",
    "folder",
    "function",
    "handl",
    "happen",
    "implement",
    "liv",
    "locat",
    "look",
    "made",
    "mak",
    "method",
    "modul",
    "plac",
    "repository",
    "search",
    "set",
    "show",
    "sourc",
    "tell",
    "us",
    "used",
    "work",
];

/// One thing the prompt asks for: a word, or a name of several.
#[derive(Debug)]
pub(crate) struct Term {
    stems: Vec<String>,
    /// How the prompt spelled it.
    pub(crate) spelling: String,
    pub(crate) weight: f64,
}

impl Term {
    /// Whether finding only this answers nothing.
    pub(crate) fn is_weak(&self) -> bool {
        self.weight <= WEAK
    }
}

/// What a prompt asks for.
#[derive(Debug)]
pub(crate) struct Query {
    terms: Vec<Term>,
    /// The prompt itself speaks of tests, of examples, of documents: then those aren't noise.
    pub(crate) about_tests: bool,
    pub(crate) about_examples: bool,
    pub(crate) about_documents: bool,
}

impl Query {
    pub(crate) fn parse(prompt: &str) -> Self {
        let words = words(prompt);
        let mut terms = Vec::new();
        let mut names = vec![false; words.len()];
        let mut at = 0;
        while at < words.len() && terms.len() < MOST_TERMS {
            let end = end_of_name(prompt, &words, at);
            let name = &words[at..end];
            if name.len() > 1 {
                names[at..end].fill(true);
                add(&mut terms, prompt, name, NAME);
                let parts = name.iter().take(MOST_TERMS);
                for part in parts.filter(|part| !is_stop(prompt, part)) {
                    add(&mut terms, prompt, std::slice::from_ref(part), PART);
                }
            } else if !is_stop(prompt, &words[at]) {
                let weight = if is_asking(&words[at]) { WEAK } else { PLAIN };
                add(&mut terms, prompt, name, weight);
            }
            at = end;
        }
        for (at, pair) in words.windows(2).enumerate() {
            if terms.len() >= MOST_TERMS {
                break;
            }
            let plain = !names[at] && !names[at + 1];
            let telling = pair
                .iter()
                .all(|word| !is_stop(prompt, word) && !is_asking(word));
            if plain && telling && joined(prompt, &pair[0], &pair[1]) {
                add(&mut terms, prompt, pair, PAIR);
            }
        }
        terms.truncate(MOST_TERMS);
        let about = |stems: &[&str]| words.iter().any(|word| stems.contains(&word.stem.as_str()));
        Self {
            terms,
            about_tests: about(&["test", "spec", "fixtur"]),
            about_examples: about(&["exampl", "bench", "benchmark", "demo"]),
            about_documents: about(&["doc", "document", "documentation", "readm", "changelog"]),
        }
    }

    pub(crate) fn terms(&self) -> &[Term] {
        &self.terms
    }

    /// A regular expression that every line with a term matches, and few others; to be used
    /// without regard to case. Stems are letters and digits: nothing needs escaping.
    pub(crate) fn pattern(&self) -> String {
        let alternatives: Vec<String> = self
            .terms
            .iter()
            .map(|term| {
                let stems: Vec<&str> = term
                    .stems
                    .iter()
                    // `retry` stands for `retries` too.
                    .map(|stem| stem.strip_suffix('y').unwrap_or(stem))
                    .collect();
                // The endings that stemming takes away stand between the words of a name.
                stems.join("[[:alpha:]]{0,4}[-_ ]?")
            })
            .collect();
        alternatives.join("|")
    }

    /// Calls `found` with the index of each term and the offset of each place it stands at.
    pub(crate) fn find(&self, text: &str, mut found: impl FnMut(usize, usize)) {
        let words = words(text);
        for at in 0..words.len() {
            for (index, term) in self.terms.iter().enumerate() {
                let Some(run) = words.get(at..at + term.stems.len()) else {
                    continue;
                };
                let same = run
                    .iter()
                    .zip(&term.stems)
                    .all(|(word, stem)| word.stem == *stem);
                if same && run.windows(2).all(|pair| joined(text, &pair[0], &pair[1])) {
                    found(index, run[0].start);
                }
            }
        }
    }
}

/// Where the name that starts at `at` ends: words joined by anything but a space.
fn end_of_name(prompt: &str, words: &[Word], at: usize) -> usize {
    let mut end = at + 1;
    while end < words.len()
        && joined(prompt, &words[end - 1], &words[end])
        && &prompt[words[end - 1].end..words[end].start] != " "
    {
        end += 1;
    }
    end
}

fn is_stop(prompt: &str, word: &Word) -> bool {
    let letters = &prompt[word.start..word.end];
    letters.chars().nth(1).is_none() || STOP.contains(&letters.to_lowercase().as_str())
}

fn is_asking(word: &Word) -> bool {
    ASKING.contains(&word.stem.as_str())
}

fn add(terms: &mut Vec<Term>, prompt: &str, words: &[Word], weight: f64) {
    let (Some(first), Some(last)) = (words.first(), words.last()) else {
        return;
    };
    if words.len() > LONGEST_NAME || words.iter().any(|word| word.stem.len() > LONGEST_WORD) {
        return;
    }
    let stems: Vec<String> = words.iter().map(|word| word.stem.clone()).collect();
    match terms.iter_mut().find(|term| term.stems == stems) {
        Some(known) => known.weight = known.weight.max(weight),
        None => terms.push(Term {
            stems,
            spelling: prompt[first.start..last.end].to_owned(),
            weight,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::Query;

    fn found(prompt: &str, text: &str) -> Vec<String> {
        let query = Query::parse(prompt);
        let mut spellings = Vec::new();
        query.find(text, |term, _| {
            spellings.push(query.terms()[term].spelling.clone());
        });
        spellings
    }

    #[test]
    fn a_name_is_found_in_every_spelling_but_not_across_a_sentence() {
        for text in [
            "HalfOpen",
            "half_open",
            "half-open",
            "HALF_OPEN",
            "half open",
        ] {
            assert!(
                found("the half-open thing", text).contains(&"half-open".to_owned()),
                "{text}"
            );
        }
        assert!(!found("half-open", "half, open").contains(&"half-open".to_owned()));
        assert_eq!(found("half-open", "behalf opened"), ["open"]);
    }

    #[test]
    fn stop_words_are_no_terms_and_asking_words_are_weak() {
        assert!(
            Query::parse("where is it, and how does that do?")
                .terms()
                .is_empty()
        );
        let query = Query::parse("where is the window decided");
        let weak: Vec<bool> = query.terms().iter().map(super::Term::is_weak).collect();
        assert_eq!(weak, [false, true]);
    }

    #[test]
    fn a_stop_word_inside_a_name_belongs_to_it() {
        assert_eq!(
            found("how is Retry-After rounded", "fn retry_after()"),
            ["Retry-After", "Retry"]
        );
    }

    #[test]
    fn more_terms_than_bits_are_cut_off() {
        let prompt: String = (0..500).map(|n| format!("word{n} other_{n} ")).collect();
        assert_eq!(Query::parse(&prompt).terms().len(), 64);
    }
}
