use std::fmt::Write;
use std::path::PathBuf;

use super::document::{Block, Document, Hit};
use super::engine::Counts;
use super::query::Query;
use super::rank::Weights;
use crate::Answer;
use crate::tree::shown;

/// Lines shown of a file.
const MOST_EXCERPTS: usize = 6;

/// Characters shown of a line.
const LONGEST_EXCERPT: usize = 160;

/// Lines of the block that the answer is about come before others.
const IN_BEST_BLOCK: f64 = 2.0;

/// The places a search found, the best first.
#[derive(Debug, Default)]
pub(crate) struct Answered {
    pub(crate) places: Vec<Place>,
}

/// A file of an answer.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) path: PathBuf,
    pub(crate) score: f64,
    /// `None` when only the name of the file says something.
    best: Option<Best>,
    excerpts: Vec<(usize, String)>,
}

/// The block that says most.
#[derive(Debug)]
struct Best {
    /// What was found in it, as the prompt spelled it.
    about: Vec<String>,
    first: usize,
    last: usize,
    title: Option<String>,
}

impl Place {
    pub(crate) fn new(
        path: PathBuf,
        score: f64,
        document: &Document,
        text: &str,
        query: &Query,
        weights: &Weights,
    ) -> Self {
        let lines: Vec<&str> = text.lines().collect();
        let shown = |line: usize| lines.get(line.checked_sub(1)?).map(|text| excerpt(text));
        let best = weights.best_block(document);
        let mut excerpts = best_lines(document, weights, best);
        let best = best.and_then(|best| document.blocks.get(best));
        excerpts.extend(best.and_then(|best| best.title));
        excerpts.sort_unstable();
        excerpts.dedup();
        Self {
            path,
            score,
            best: best.map(|block| Best {
                about: about(query, block),
                first: block.first,
                last: block.last,
                title: block.title.and_then(shown),
            }),
            excerpts: excerpts
                .into_iter()
                .filter_map(|line| Some((line, shown(line)?)))
                .collect(),
        }
    }
}

/// The line numbers that say most.
fn best_lines(document: &Document, weights: &Weights, best: Option<usize>) -> Vec<usize> {
    let value = |hit: &Hit| {
        let near = if Some(hit.block) == best {
            IN_BEST_BLOCK
        } else {
            1.0
        };
        weights.of(&hit.strengths) * near
    };
    let mut hits: Vec<(f64, usize)> = document
        .hits
        .iter()
        .map(|hit| (value(hit), hit.line))
        .collect();
    hits.sort_by(|(left, a), (right, b)| right.total_cmp(left).then(a.cmp(b)));
    hits.truncate(MOST_EXCERPTS);
    hits.into_iter().map(|(_, line)| line).collect()
}

/// The terms of a block; the parts of a name that is there itself are not repeated.
fn about(query: &Query, block: &Block) -> Vec<String> {
    let mut about: Vec<String> = Vec::new();
    for (term, strength) in query.terms().iter().zip(&block.strengths) {
        let said = about
            .iter()
            .any(|name| name.contains(term.spelling.as_str()));
        if *strength > 0.0 && !said {
            about.retain(|known| !term.spelling.contains(known.as_str()));
            about.push(term.spelling.clone());
        }
    }
    about
}

/// `half-open lives`, `half-open and state live`.
fn subject(about: &[String]) -> String {
    match about {
        [] => "The best match lives".to_owned(),
        [one] => format!("{one} lives"),
        [some @ .., last] => format!("{} and {last} live", some.join(", ")),
    }
}

fn excerpt(line: &str) -> String {
    // What stands in a file must not steer the terminal it is shown on.
    let line = line
        .trim()
        .replace('\t', " ")
        .replace(char::is_control, "\u{fffd}");
    match line.char_indices().nth(LONGEST_EXCERPT) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line,
    }
}

/// The answer for people: a sentence, then each file with its lines.
pub(crate) fn write(repository: &str, query: &Query, counts: &Counts, found: &Answered) -> Answer {
    if query.terms().is_empty() {
        let nothing = "The prompt names nothing that could be searched for.";
        return Answer::new(nothing, nothing);
    }
    let Some(best) = found.places.first() else {
        let searched = counts.searched;
        let nothing = format!(
            "Nothing found: none of the {searched} files of {repository} matches the prompt."
        );
        return Answer::new(nothing.clone(), nothing);
    };
    let path = shown(&best.path);
    let summary = match &best.best {
        None => format!("The best match is the name of `{path}`"),
        Some(block) => {
            let subject = subject(&block.about);
            let place = format!("`{path}` (lines {}-{})", block.first, block.last);
            match &block.title {
                None => format!("{subject} in {place}"),
                Some(title) => format!("{subject} in {place}: `{title}`"),
            }
        }
    };
    let mut text = format!("{summary}\n");
    for place in &found.places {
        let path = shown(&place.path);
        // Writing to a string cannot fail.
        let _ = write!(text, "\n{path}\n");
        for (line, excerpt) in &place.excerpts {
            let _ = writeln!(text, "  {path}:{line}: {excerpt}");
        }
    }
    Answer::new(text, summary)
}
