use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use crate::{Saved, State, circuit::Circuit, state::Snapshot};

/// Looks at a circuit from outside its services, and tells it what to do. Made by
/// [`CircuitBreakerLayer::handle`](crate::CircuitBreakerLayer::handle).
///
/// Reading never blocks and never changes the circuit. The counts start at zero with the circuit
/// and wrap at `u64::MAX`. Whatever changes the state from here makes results of calls already
/// running late.
#[derive(Clone)]
pub struct Handle {
    circuit: Arc<Circuit>,
}

impl Handle {
    pub(crate) fn new(circuit: Arc<Circuit>) -> Self {
        Self { circuit }
    }

    /// The state as of now.
    #[must_use]
    pub fn state(&self) -> State {
        self.circuit.state()
    }

    /// How long a call would be told to wait: `None` while closed or disabled, zero when the next
    /// call would pass as a probe, else as in [`Error::Open`](crate::Error::Open).
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.circuit.retry_after()
    }

    /// How often the circuit opened.
    #[must_use]
    pub fn opened(&self) -> u64 {
        self.circuit.counts().opened()
    }

    /// How many calls were refused.
    #[must_use]
    pub fn rejected(&self) -> u64 {
        self.circuit.counts().rejected()
    }

    /// How many results came when the state that admitted their call was over. They changed
    /// nothing.
    #[must_use]
    pub fn late_results(&self) -> u64 {
        self.circuit.counts().late_results()
    }

    /// Tells of every change of the state from now on.
    #[must_use]
    pub fn subscribe(&self) -> Subscription {
        Subscription {
            seen: self.state(),
            circuit: Arc::clone(&self.circuit),
        }
    }

    /// Closes the circuit at once, without a ramp, and forgets what was recorded. Also ends what
    /// [`isolate`](Self::isolate) and [`disable`](Self::disable) began.
    pub fn reset(&self) {
        self.circuit.change(Snapshot::close);
    }

    /// Opens the circuit as if it had tripped: it comes back by itself, through half-open.
    pub fn force_open(&self) {
        self.circuit.force_open();
    }

    /// Refuses every call until told otherwise, without probes.
    pub fn isolate(&self) {
        self.circuit.change(Snapshot::isolate);
    }

    /// Lets every call pass and records nothing until told otherwise.
    pub fn disable(&self) {
        self.circuit.change(Snapshot::disable);
    }

    /// What to keep over a restart. `now` is the wall clock, which dates the end of an open time.
    #[must_use]
    pub fn snapshot(&self, now: SystemTime) -> Saved {
        Saved::of(&self.circuit, now)
    }

    /// Brings back the state of a snapshot: open for what is left of its time by the wall clock
    /// `now`, never for more than the cap. What was half-open is open and due.
    pub fn restore(&self, saved: Saved, now: SystemTime) {
        saved.restore(&self.circuit, now);
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Handle").field(&self.circuit).finish()
    }
}

/// Waits for changes of a circuit's state. Made by [`Handle::subscribe`].
pub struct Subscription {
    circuit: Arc<Circuit>,
    seen: State,
}

impl Subscription {
    /// Waits until the state is another one than was last told, at first than when it was
    /// subscribed to, and tells it. Of changes that follow each other faster than they are asked
    /// for, the last is told.
    ///
    /// Dropping the future loses nothing. Nothing wakes it while an open time runs out unused: the
    /// state changes with the call after that.
    pub async fn changed(&mut self) -> State {
        loop {
            let changed = self.circuit.changed().notified();
            let state = self.circuit.state();
            if state != self.seen {
                self.seen = state;
                return state;
            }
            changed.await;
        }
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription")
            .field("seen", &self.seen)
            .field("circuit", &self.circuit)
            .finish()
    }
}
