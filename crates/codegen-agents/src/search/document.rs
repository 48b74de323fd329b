use super::definition::definition;
use super::kind::TEST;
use super::line::{Line, is_attribute, is_comment, is_import};
use super::query::Query;

/// A block without an inner definition is cut here, so that a place stays a place.
const LONGEST_BLOCK: usize = 80;

/// Only so much of a line is looked at: longer ones were written by a machine.
const LONGEST_LINE: usize = 2_000;

/// What a query finds in one file.
#[derive(Debug, Default)]
pub(crate) struct Document {
    /// For each term: the sum of the strengths of its places.
    pub(crate) frequencies: Vec<f64>,
    /// The blocks with a hit, in order.
    pub(crate) blocks: Vec<Block>,
    /// The lines with a hit, in order.
    pub(crate) hits: Vec<Hit>,
}

/// A definition with its comments and its body, a section of a text, or a stretch of lines.
#[derive(Debug)]
pub(crate) struct Block {
    /// First line, from 1.
    pub(crate) first: usize,
    /// Last line, included.
    pub(crate) last: usize,
    /// The line that names it.
    pub(crate) title: Option<usize>,
    /// For each term: its strongest place in the block.
    pub(crate) strengths: Vec<f64>,
}

/// A line with terms on it.
#[derive(Debug)]
pub(crate) struct Hit {
    /// The line, from 1.
    pub(crate) line: usize,
    /// For each term: its strongest place on the line.
    pub(crate) strengths: Vec<f64>,
    /// Index of the block.
    pub(crate) block: usize,
}

impl Document {
    /// Reads the `candidates`, line numbers from 1 in growing order. `prose` says that no line is
    /// code.
    pub(crate) fn parse(text: &str, candidates: &[usize], query: &Query, prose: bool) -> Self {
        let lines: Vec<&str> = text.lines().map(head).collect();
        let mut starts = block_starts(&lines, prose).into_iter().peekable();
        let tests_from = tests_from(&lines);
        let terms = query.terms().len();
        let mut document = Self {
            frequencies: vec![0.0; terms],
            ..Self::default()
        };
        let mut start = Start::default();
        // The start of the block that was opened last, which only blocks with hits are.
        let mut opened = None;
        for &candidate in candidates {
            let Some(line) = candidate.checked_sub(1).and_then(|at| lines.get(at)) else {
                continue;
            };
            while let Some(next) = starts.next_if(|next| next.first < candidate) {
                start = next;
            }
            let factor = if candidate > tests_from { TEST } else { 1.0 };
            let kind = Line::classify(line, prose);
            let mut strengths = vec![0.0; terms];
            let mut any = false;
            query.find(line, |term, at| {
                let strength = kind.strength(line, at) * factor;
                document.frequencies[term] += strength;
                strengths[term] = strength.max(strengths[term]);
                any = true;
            });
            if !any {
                continue;
            }
            if opened != Some(start.first) {
                opened = Some(start.first);
                document.blocks.push(Block {
                    first: start.first + 1,
                    last: starts.peek().map_or(lines.len(), |next| next.first),
                    title: start.title.map(|title| title + 1),
                    strengths: vec![0.0; terms],
                });
            }
            let block = document.blocks.len() - 1;
            for (most, strength) in document.blocks[block].strengths.iter_mut().zip(&strengths) {
                *most = strength.max(*most);
            }
            document.hits.push(Hit {
                line: candidate,
                strengths,
                block,
            });
        }
        document
    }
}

/// Where a block starts; lines from 0.
#[derive(Clone, Copy, Debug, Default)]
struct Start {
    first: usize,
    title: Option<usize>,
}

fn block_starts(lines: &[&str], prose: bool) -> Vec<Start> {
    let mut starts = vec![Start::default()];
    let mut comments_from = None;
    for (at, line) in lines.iter().enumerate() {
        let trimmed = line.trim_start();
        let indented = trimmed.len() < line.len();
        let last = starts.last().map_or(0, |start: &Start| start.first);
        let opens = if prose {
            trimmed.starts_with('#') || trimmed.starts_with("==")
        } else {
            definition(line).is_some_and(|definition| definition.has_body || !indented)
                && !is_import(trimmed)
        };
        if opens {
            let first = comments_from.unwrap_or(at);
            let start = Start {
                first,
                title: Some(at),
            };
            match starts.last_mut() {
                Some(last) if last.first == first => *last = start,
                _ => starts.push(start),
            }
        } else if at - last >= LONGEST_BLOCK {
            starts.push(Start {
                first: at,
                title: None,
            });
        }
        if !prose && (is_comment(trimmed) || is_attribute(trimmed)) {
            comments_from.get_or_insert(at);
        } else {
            comments_from = None;
        }
    }
    // A cut inside a comment may lie behind the start that the comment then belongs to.
    starts.sort_by_key(|start| start.first);
    starts
}

/// The number of the line behind which a Rust file holds its own tests.
fn tests_from(lines: &[&str]) -> usize {
    lines
        .windows(2)
        .position(|pair| pair[0].trim() == "#[cfg(test)]" && pair[1].trim().starts_with("mod "))
        .unwrap_or(usize::MAX)
}

fn head(line: &str) -> &str {
    match line.char_indices().nth(LONGEST_LINE) {
        Some((end, _)) => &line[..end],
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Block, Document};
    use crate::search::query::Query;

    fn parse(prompt: &str, text: &str) -> Document {
        let all: Vec<usize> = (1..=text.lines().count()).collect();
        Document::parse(text, &all, &Query::parse(prompt), false)
    }

    fn places(blocks: &[Block]) -> Vec<(usize, usize, Option<usize>)> {
        blocks
            .iter()
            .map(|block| (block.first, block.last, block.title))
            .collect()
    }

    #[test]
    fn a_block_is_a_definition_with_its_comments_and_its_body() {
        let text = "\
use a;

/// A window.
#[derive(Debug)]
struct Window {
    size: u32,
}

fn other() {}
// The window again.
fn third() {}
";
        let document = parse("window", text);
        assert_eq!(
            places(&document.blocks),
            [(3, 8, Some(5)), (10, 11, Some(11))]
        );
    }

    #[test]
    fn definitions_outweigh_uses_and_uses_outweigh_mentions() {
        let of = |line: &str| parse("window", line).frequencies[0];
        let defined = of("fn window() {}");
        let used = of("    window();");
        for mentioned in [
            "// window",
            "use window;",
            "mod window;",
            "    print(\"window\");",
            "    call(); // window",
        ] {
            assert!(of(mentioned) < used, "{mentioned}");
        }
        assert!(used < defined);
        assert!(of("#[cfg(test)]\nmod tests {\n    window();\n}") < used);
    }

    #[test]
    fn a_long_stretch_is_cut_and_a_long_line_too() {
        let mut text = "x\n".repeat(500);
        text.push_str("window\n");
        let document = parse("window", &text);
        assert_eq!(document.blocks.len(), 1);
        assert!(document.blocks[0].first > 400);
        let text = format!("{} window", "ä ".repeat(5_000));
        assert!(parse("window", &text).hits.is_empty());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn hits_lie_in_their_blocks_and_blocks_do_not_overlap(
            text in "(pub |fn |impl |for |// |#|\"|[(<{\n ]|half|Open|_|ä|é){0,200}",
            lines in proptest::collection::btree_set(0_usize..80, 0..20),
            prose: bool,
        ) {
            let candidates: Vec<usize> = lines.into_iter().collect();
            let query = Query::parse("half-open");
            let document = Document::parse(&text, &candidates, &query, prose);
            let mut behind = 0;
            for block in &document.blocks {
                prop_assert!(behind < block.first && block.first <= block.last);
                if let Some(title) = block.title {
                    prop_assert!((block.first..=block.last).contains(&title));
                }
                behind = block.last;
            }
            for hit in &document.hits {
                let block = &document.blocks[hit.block];
                prop_assert!((block.first..=block.last).contains(&hit.line));
            }
        }
    }
}
