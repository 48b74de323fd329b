use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use grep_regex::{RegexMatcher, RegexMatcherBuilder};
use grep_searcher::{Searcher, SearcherBuilder, sinks};
use tokio_util::sync::CancellationToken;

use super::answer::{Answered, Place};
use super::document::Document;
use super::kind;
use super::query::Query;
use super::rank::{Candidate, Weights, as_f64, rank};
use crate::{ProviderError, tree};

/// Larger files were written by a machine, or are data.
const LARGEST_FILE: usize = 1 << 20;

/// Files an answer names.
const MOST_PLACES: usize = 5;

/// A file far behind the best is no answer.
const LEAST_SHARE: f64 = 0.2;

/// Different blocks remembered of a file; more come only from a machine.
const MOST_BLOCKS: usize = 256;

/// What a search went through.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// Text files read.
    pub(crate) searched: usize,
    /// Files and directories left out: binary, too large, unreadable.
    pub(crate) skipped: usize,
    /// Files with at least one term.
    pub(crate) matched: usize,
}

/// Searches the tree below `root`. Blocks; looks at `cancel` before every file.
pub(crate) fn search(
    root: &Path,
    query: &Query,
    cancel: &CancellationToken,
) -> Result<(Counts, Answered), ProviderError> {
    let root = tree::canonical_root(root).map_err(ProviderError::io("open the source tree"))?;
    let mut finder = Finder::new(query)?;
    let mut counts = Counts::default();
    let mut bytes = 0_usize;
    let mut candidates = Vec::new();
    for entry in tree::walk(&root, false) {
        if cancel.is_cancelled() {
            return Err(ProviderError::Cancelled);
        }
        let Ok(entry) = entry else {
            counts.skipped += 1;
            continue;
        };
        if !entry.file_type().is_some_and(|kind| kind.is_file()) {
            continue;
        }
        let Ok(path) = entry.path().strip_prefix(&root) else {
            continue;
        };
        let Some(content) = text(entry.path()) else {
            counts.skipped += 1;
            continue;
        };
        counts.searched += 1;
        bytes = bytes.saturating_add(content.len());
        candidates.extend(finder.candidate(path, &content)?);
    }
    counts.matched = candidates.len();
    let average_length = as_f64(bytes) / as_f64(counts.searched.max(1));
    let weights = Weights::new(query, &candidates, counts.searched);
    if !answers(query, &candidates) {
        return Ok((counts, Answered::default()));
    }
    let ranked = rank(&weights, candidates, average_length);
    let least = ranked.first().map_or(0.0, |(best, _)| best * LEAST_SHARE);
    let mut places = Vec::new();
    for (score, candidate) in ranked.into_iter().take(MOST_PLACES) {
        if score < least || cancel.is_cancelled() {
            break;
        }
        // A file that changed or went away since is left out.
        let Some(content) = text(&root.join(&candidate.path)) else {
            continue;
        };
        let lines = String::from_utf8_lossy(&content);
        let document = finder.document(&candidate.path, &content, &lines)?;
        places.push(Place::new(
            candidate.path,
            score,
            &document,
            &lines,
            query,
            &weights,
        ));
    }
    Ok((counts, Answered { places }))
}

/// Whether something that the prompt is really about was found: the verb of the question alone
/// answers nothing.
fn answers(query: &Query, candidates: &[Candidate]) -> bool {
    let all_weak = query.terms().iter().all(super::query::Term::is_weak);
    candidates.iter().any(|candidate| {
        query.terms().iter().enumerate().any(|(index, term)| {
            (all_weak || !term.is_weak())
                && (candidate.frequencies[index] > 0.0
                    || candidate.in_name.contains(&index)
                    || candidate.in_directories.contains(&index))
        })
    })
}

/// The content of a file, `None` when it is not a text of reasonable size.
fn text(path: &Path) -> Option<Vec<u8>> {
    let content = tree::read(path, LARGEST_FILE).ok()??;
    (!content.contains(&0)).then_some(content)
}

/// Finds the terms of one query.
struct Finder<'a> {
    query: &'a Query,
    matcher: RegexMatcher,
    searcher: Searcher,
}

impl<'a> Finder<'a> {
    fn new(query: &'a Query) -> Result<Self, ProviderError> {
        let matcher = RegexMatcherBuilder::new()
            .case_insensitive(true)
            .line_terminator(Some(b'\n'))
            .build(&query.pattern())
            .map_err(|error| ProviderError::Other(error.into()))?;
        Ok(Self {
            query,
            matcher,
            searcher: SearcherBuilder::new().line_number(true).build(),
        })
    }

    /// The lines that may hold a term, from 1.
    fn lines(&mut self, content: &[u8]) -> Result<Vec<usize>, ProviderError> {
        let mut lines = Vec::new();
        let sink = sinks::Bytes(|line, _| {
            lines.push(usize::try_from(line).unwrap_or(usize::MAX));
            Ok(true)
        });
        self.searcher
            .search_slice(&self.matcher, content, sink)
            .map_err(ProviderError::io("search a file"))?;
        Ok(lines)
    }

    fn document(
        &mut self,
        path: &Path,
        content: &[u8],
        text: &str,
    ) -> Result<Document, ProviderError> {
        let lines = self.lines(content)?;
        Ok(Document::parse(
            text,
            &lines,
            self.query,
            kind::is_prose(path),
        ))
    }

    fn candidate(
        &mut self,
        path: &Path,
        content: &[u8],
    ) -> Result<Option<Candidate>, ProviderError> {
        let in_name = self.terms_in(path.file_stem().map(Path::new));
        let in_directories = self.terms_in(path.parent());
        let lines = self.lines(content)?;
        if lines.is_empty() && in_name.is_empty() && in_directories.is_empty() {
            return Ok(None);
        }
        let prose = kind::is_prose(path);
        let document =
            Document::parse(&String::from_utf8_lossy(content), &lines, self.query, prose);
        if document.hits.is_empty() && in_name.is_empty() && in_directories.is_empty() {
            return Ok(None);
        }
        let mut blocks: Vec<Vec<f64>> = Vec::new();
        for block in document.blocks {
            if blocks.len() < MOST_BLOCKS && !blocks.contains(&block.strengths) {
                blocks.push(block.strengths);
            }
        }
        Ok(Some(Candidate {
            path: PathBuf::from(path),
            length: content.len(),
            factor: kind::factor(path, self.query),
            frequencies: document.frequencies,
            blocks,
            in_name: in_name.into_iter().collect(),
            in_directories: in_directories.into_iter().collect(),
        }))
    }

    fn terms_in(&self, path: Option<&Path>) -> BTreeSet<usize> {
        let mut terms = BTreeSet::new();
        if let Some(path) = path {
            self.query.find(&path.to_string_lossy(), |term, _| {
                terms.insert(term);
            });
        }
        terms
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use tokio_util::sync::CancellationToken;

    use super::search;
    use crate::ProviderError;
    use crate::search::query::Query;

    #[test]
    fn a_walk_that_nobody_waits_for_ends() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let cancel = CancellationToken::new();
        let query = Query::parse("walk");
        assert!(search(root, &query, &cancel).is_ok());
        cancel.cancel();
        let ended = search(root, &query, &cancel);
        assert!(matches!(ended, Err(ProviderError::Cancelled)));
    }
}
