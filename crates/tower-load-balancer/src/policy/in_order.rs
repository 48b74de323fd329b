use crate::{Candidates, Policy};

/// The first one, as long as it is healthy and not full; then the second. Weights don't count.
#[derive(Debug, Clone, Copy, Default)]
pub struct InOrder;

impl<Request> Policy<Request> for InOrder {
    fn pick(&self, candidates: &Candidates<'_>, _: &Request) -> Option<usize> {
        candidates.open_from(0)
    }
}
