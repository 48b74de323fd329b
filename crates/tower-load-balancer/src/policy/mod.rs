//! Which endpoint a request goes to.

mod consistent_hash;
mod in_order;
mod least_pending;
mod peak_ewma;
mod random;
mod round_robin;

use std::time::Duration;

pub use self::{
    consistent_hash::ConsistentHash, in_order::InOrder, least_pending::LeastPending,
    peak_ewma::PeakEwma, random::Random, round_robin::RoundRobin,
};
use crate::Candidates;

/// Says which endpoint a request goes to.
///
/// It is asked by all clones of a balancer at once, so state of its own is in atomics.
pub trait Policy<Request> {
    /// The index of the endpoint, an [open](Candidates::is_open) one; `None` when none of them is.
    /// There is at least one candidate.
    fn pick(&self, candidates: &Candidates<'_>, request: &Request) -> Option<usize>;

    /// Whether answers are to be timed, and how. That costs two clock readings a request; by default
    /// they are not.
    fn latency(&self) -> Option<Latency> {
        None
    }

    /// Whether requests in flight are to be counted all together, too. By default they are not.
    fn counts_total(&self) -> bool {
        false
    }
}

/// How answers are timed.
#[derive(Debug, Clone, Copy)]
pub struct Latency {
    /// After this time without further answers two thirds of a measured time are forgotten.
    pub decay: Duration,
    /// What a failure takes at least.
    pub penalty: Duration,
}
