use std::{fmt, sync::Arc};

use super::shared::Shared;

/// What a [`Probe`](crate::Probe) answers to `poll_ready`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Readiness {
    /// Ready as soon as a permit is free.
    Ready,
    /// Pending this many times, waking the caller each time, then ready. Every instance counts
    /// anew after each call.
    PendingTimes(usize),
    /// Pending until [`Control::set_readiness`] says otherwise, which wakes those who wait.
    Held,
    /// Fails; the instance that failed stays failed.
    Fails,
    /// Panics, without a message on standard error.
    Panics,
}

/// What the future of a [`Probe`](crate::Probe) does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Answer {
    /// Responds on the first poll.
    AtOnce,
    /// Pending until [`Control::set_answer`] says otherwise, which wakes those who wait.
    Held,
    /// Fails on the first poll.
    Fails,
    /// `call` panics, without a message on standard error.
    PanicsInCall,
    /// The first poll panics, without a message on standard error.
    PanicsInPoll,
}

/// What all instances of one [`Probe`](crate::Probe) hold at this moment and have seen so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Ledger {
    /// Instances alive: the first and its clones.
    pub instances: usize,
    /// Permits reserved: one by each ready instance and one by each future alive.
    pub permits: usize,
    /// Futures alive, whether finished or not.
    pub futures: usize,
    /// Calls so far.
    pub calls: usize,
    /// Those of the calls whose instance had not said that it was ready.
    pub unready_calls: usize,
}

/// Steers all instances of one [`Probe`](crate::Probe) and reads their [`Ledger`].
///
/// Clones steer the same probe. A change takes effect on the next poll and wakes those who wait.
#[derive(Clone)]
pub struct Control {
    shared: Arc<Shared>,
}

impl Control {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Sets what instances that are not ready yet answer to `poll_ready`; at first
    /// [`Readiness::Ready`].
    pub fn set_readiness(&self, readiness: Readiness) {
        self.shared.set_readiness(readiness);
    }

    /// Sets what futures do that have not been told by [`answer_once`](Self::answer_once), those
    /// in flight included; at first [`Answer::AtOnce`].
    pub fn set_answer(&self, answer: Answer) {
        self.shared.set_answer(answer);
    }

    /// Appends an answer for one of the next calls; they are used up in the order given.
    ///
    /// [`Answer::Held`] stands for "as [`set_answer`](Self::set_answer) says".
    pub fn answer_once(&self, answer: Answer) {
        self.shared.answer_once(answer);
    }

    /// Sets how many permits there are; at first there is no limit. Permits that are out stay out.
    pub fn set_capacity(&self, permits: usize) {
        self.shared.set_capacity(permits);
    }

    /// What is held at this moment.
    #[must_use]
    pub fn ledger(&self) -> Ledger {
        self.shared.ledger()
    }
}

impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Control")
            .field("ledger", &self.ledger())
            .finish_non_exhaustive()
    }
}
