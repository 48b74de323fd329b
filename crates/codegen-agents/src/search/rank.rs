use super::document::Document;
use super::query::Query;

/// How fast repetition stops to count.
const SATURATION: f64 = 1.2;
/// How much a long file must say it more often.
const LENGTH: f64 = 0.4;
/// A term in the name of the file, and in the names of the directories above it.
const FILE_NAME: f64 = 1.5;
const DIRECTORY: f64 = 0.5;
/// A definition named by the term; more of them add no more to a block.
const STRONGEST_IN_BLOCK: f64 = 2.0;

/// What ranking needs of one file.
#[derive(Debug)]
pub(crate) struct Candidate {
    pub(crate) path: std::path::PathBuf,
    /// Bytes.
    pub(crate) length: usize,
    /// What the kind of file leaves of its score.
    pub(crate) factor: f64,
    /// See [`Document::frequencies`].
    pub(crate) frequencies: Vec<f64>,
    /// See [`Block::strengths`](super::document::Block::strengths); without repetition.
    pub(crate) blocks: Vec<Vec<f64>>,
    /// Terms in the name of the file.
    pub(crate) in_name: Vec<usize>,
    /// Terms in the directories above it.
    pub(crate) in_directories: Vec<usize>,
}

/// How rare each term is among all files, times what it weighs in the prompt.
#[derive(Debug)]
pub(crate) struct Weights(Vec<f64>);

impl Weights {
    pub(crate) fn new(query: &Query, candidates: &[Candidate], files: usize) -> Self {
        let files = as_f64(files);
        Self(
            query
                .terms()
                .iter()
                .enumerate()
                .map(|(index, term)| {
                    let with = as_f64(
                        candidates
                            .iter()
                            .filter(|candidate| candidate.frequencies[index] > 0.0)
                            .count(),
                    );
                    let rarity = (1.0 + (files - with + 0.5).max(0.5) / (with + 0.5)).ln();
                    rarity * term.weight
                })
                .collect(),
        )
    }

    /// How much the terms of a block or a line say together.
    pub(crate) fn of(&self, strengths: &[f64]) -> f64 {
        self.0
            .iter()
            .zip(strengths)
            .map(|(weight, strength)| weight * strength.min(STRONGEST_IN_BLOCK))
            .sum()
    }

    /// How much a block says, the more the larger its share of what is asked.
    fn together(&self, strengths: &[f64]) -> f64 {
        let asked: f64 = self.0.iter().sum();
        let covered: f64 = self
            .0
            .iter()
            .zip(strengths)
            .map(|(weight, strength)| weight * strength.min(1.0))
            .sum();
        self.of(strengths) * (0.5 + covered / asked.max(f64::MIN_POSITIVE))
    }

    /// The score of a file: what it says (BM25 over weighted places), the one block that says
    /// most of it together, and its name; all by the kind of file.
    pub(crate) fn score(&self, candidate: &Candidate, average_length: f64) -> f64 {
        let length = 1.0 - LENGTH + LENGTH * as_f64(candidate.length) / average_length.max(1.0);
        let said: f64 = self
            .0
            .iter()
            .zip(&candidate.frequencies)
            .map(|(weight, frequency)| {
                weight * frequency * (SATURATION + 1.0) / (frequency + SATURATION * length)
            })
            .sum();
        let together = candidate
            .blocks
            .iter()
            .map(|block| self.together(block))
            .fold(0.0, f64::max);
        let named = |terms: &[usize]| terms.iter().map(|&term| self.0[term]).sum::<f64>();
        let path =
            FILE_NAME * named(&candidate.in_name) + DIRECTORY * named(&candidate.in_directories);
        (said + together + path) * candidate.factor
    }

    /// The index of the block of a document that says most; the first of equals.
    pub(crate) fn best_block(&self, document: &Document) -> Option<usize> {
        let mut best = None;
        for (index, block) in document.blocks.iter().enumerate() {
            let value = self.together(&block.strengths);
            if best.is_none_or(|(_, most)| value > most) {
                best = Some((index, value));
            }
        }
        best.map(|(index, _)| index)
    }
}

/// The best files first, equals by path.
pub(crate) fn rank(
    weights: &Weights,
    candidates: Vec<Candidate>,
    average_length: f64,
) -> Vec<(f64, Candidate)> {
    let mut ranked: Vec<(f64, Candidate)> = candidates
        .into_iter()
        .map(|candidate| (weights.score(&candidate, average_length), candidate))
        .collect();
    ranked.sort_by(|(left, a), (right, b)| right.total_cmp(left).then_with(|| a.path.cmp(&b.path)));
    ranked
}

/// Exact up to 2^53 files or bytes, and near enough beyond.
pub(crate) fn as_f64(count: usize) -> f64 {
    count as f64
}
