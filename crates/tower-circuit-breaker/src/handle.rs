use std::{fmt, sync::Arc, time::Duration};

use crate::{State, circuit::Circuit};

/// Looks at a circuit from outside its services. Made by
/// [`CircuitBreakerLayer::handle`](crate::CircuitBreakerLayer::handle).
///
/// Reading never blocks and never changes the circuit. The counts start at zero with the circuit
/// and wrap at `u64::MAX`.
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

    /// How long a call would be told to wait: `None` while closed, zero when the next call would
    /// pass as a probe, else as in [`Error::Open`](crate::Error::Open).
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
        self.circuit.counts().late()
    }

    /// Closes the circuit and forgets what was recorded. Results of calls already running become
    /// late.
    pub fn reset(&self) {
        self.circuit.reset();
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Handle").field(&self.circuit).finish()
    }
}
