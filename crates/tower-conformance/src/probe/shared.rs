use std::{
    collections::{BTreeMap, VecDeque},
    fmt, mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Waker,
};

use super::{Answer, Ledger, Readiness};

/// The payload of every panic of a probe, so that it can be told from a panic of the layer.
#[derive(Debug)]
pub(crate) struct ScriptedPanic;

/// Unwinds without the panic hook: a scripted panic is no news on standard error.
pub(super) fn panic_as_told() -> ! {
    std::panic::resume_unwind(Box::new(ScriptedPanic))
}

/// What all instances and futures of one probe share.
pub(super) struct Shared {
    state: Mutex<State>,
}

struct State {
    ledger: Ledger,
    readiness: Readiness,
    answer: Answer,
    next_answers: VecDeque<Answer>,
    capacity: usize,
    next_id: u64,
    /// The latest waker of each instance or future that waits; an older one is not woken.
    waits_for_readiness: BTreeMap<u64, Waker>,
    waits_for_answer: BTreeMap<u64, Waker>,
}

pub(super) enum Reservation {
    Granted(Permit),
    Waits,
    Failed,
    Panics,
}

impl Shared {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State {
                ledger: Ledger::default(),
                readiness: Readiness::Ready,
                answer: Answer::AtOnce,
                next_answers: VecDeque::new(),
                capacity: usize::MAX,
                next_id: 0,
                waits_for_readiness: BTreeMap::new(),
                waits_for_answer: BTreeMap::new(),
            }),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No code of others runs under the lock, so the state is whole even after a panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn ledger(&self) -> Ledger {
        self.state().ledger
    }

    pub(super) fn set_readiness(&self, readiness: Readiness) {
        self.state().readiness = readiness;
        self.wake_those_who_wait_for_readiness();
    }

    pub(super) fn set_capacity(&self, permits: usize) {
        self.state().capacity = permits;
        self.wake_those_who_wait_for_readiness();
    }

    pub(super) fn set_answer(&self, answer: Answer) {
        let waiting = {
            let mut state = self.state();
            state.answer = answer;
            mem::take(&mut state.waits_for_answer)
        };
        waiting.into_values().for_each(Waker::wake);
    }

    pub(super) fn answer_once(&self, answer: Answer) {
        self.state().next_answers.push_back(answer);
    }

    fn wake_those_who_wait_for_readiness(&self) {
        // The guard is gone before a waker runs: a waker may come back here.
        let waiting = mem::take(&mut self.state().waits_for_readiness);
        waiting.into_values().for_each(Waker::wake);
    }

    /// One `poll_ready` of the unready instance `id`, its `polls`-th since the last call.
    pub(super) fn reserve(self: &Arc<Self>, id: u64, polls: usize, waker: &Waker) -> Reservation {
        let mut state = self.state();
        match state.readiness {
            Readiness::Fails => return Reservation::Failed,
            Readiness::Panics => return Reservation::Panics,
            Readiness::PendingTimes(times) if polls <= times => {
                drop(state);
                waker.wake_by_ref();
                return Reservation::Waits;
            }
            Readiness::Ready | Readiness::PendingTimes(_)
                if state.ledger.permits < state.capacity =>
            {
                state.waits_for_readiness.remove(&id);
                state.ledger.permits += 1;
            }
            Readiness::Ready | Readiness::PendingTimes(_) | Readiness::Held => {
                state.waits_for_readiness.insert(id, waker.clone());
                return Reservation::Waits;
            }
        }
        drop(state);
        Reservation::Granted(Permit {
            shared: Arc::clone(self),
        })
    }

    /// Writes down a call and what its future has been told to do, if anything.
    pub(super) fn count_call(&self) -> (Option<Answer>, Answer) {
        let mut state = self.state();
        state.ledger.calls += 1;
        (state.next_answers.pop_front(), state.answer)
    }

    /// Writes down a call without readiness; it goes on with a permit that nobody granted.
    pub(super) fn count_unready_call(self: &Arc<Self>) -> Permit {
        let mut state = self.state();
        state.ledger.unready_calls += 1;
        state.ledger.permits += 1;
        drop(state);
        Permit {
            shared: Arc::clone(self),
        }
    }

    /// What the futures without an answer of their own do; registers `waker` when that is to wait.
    pub(super) fn poll_answer(&self, id: u64, waker: &Waker) -> Answer {
        let mut state = self.state();
        if state.answer == Answer::Held {
            state.waits_for_answer.insert(id, waker.clone());
        }
        state.answer
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.ledger().fmt(f)
    }
}

/// A reserved place; given back on drop.
#[derive(Debug)]
pub(super) struct Permit {
    shared: Arc<Shared>,
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.shared.state().ledger.permits -= 1;
        self.shared.wake_those_who_wait_for_readiness();
    }
}

/// One instance that is alive.
#[derive(Debug)]
pub(super) struct Instance {
    pub(super) shared: Arc<Shared>,
    pub(super) id: u64,
}

impl Instance {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        let mut state = shared.state();
        state.ledger.instances += 1;
        state.next_id += 1;
        let id = state.next_id;
        drop(state);
        Self { shared, id }
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        state.ledger.instances -= 1;
        state.waits_for_readiness.remove(&self.id);
    }
}

/// One future that is alive.
#[derive(Debug)]
pub(super) struct InFlight {
    pub(super) shared: Arc<Shared>,
    pub(super) id: u64,
}

impl InFlight {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        let mut state = shared.state();
        state.ledger.futures += 1;
        state.next_id += 1;
        let id = state.next_id;
        drop(state);
        Self { shared, id }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        state.ledger.futures -= 1;
        state.waits_for_answer.remove(&self.id);
    }
}
