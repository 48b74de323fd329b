//! The lines of waiting calls. Each state change happens under one lock, and no waker is woken
//! under it.

use std::{
    collections::{HashMap, VecDeque},
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Poll, Waker},
    time::Duration,
};

use foldhash::quality::RandomState;
use tokio::time::Instant;

use crate::{Admission, Charge, Denied};

/// One line for each key somebody waits for; no empty ones.
pub(crate) struct Queues<K> {
    lines: Mutex<HashMap<K, Line, RandomState>>,
}

#[derive(Default)]
struct Line {
    /// In order of arrival, which is the order of their ids.
    waiters: VecDeque<Waiter>,
    /// Sum of what they cost.
    cost: u64,
    next_id: u64,
    /// What the head was told last: nobody in line is admitted before. `None` until it was told.
    head_until: Option<Instant>,
}

struct Waiter {
    id: u64,
    cost: u32,
    /// Present once it was polled behind others.
    waker: Option<Waker>,
}

/// What a call that arrives meets.
pub(super) enum Arrival<K: Hash + Eq, A> {
    /// Nobody in line, and room.
    Admitted(Admission),
    /// It is the head, and was told how long to wait.
    Told(Ticket<K>, Duration),
    /// It is the head, and the store has not answered yet.
    Asking(Ticket<K>, A),
    /// Others are ahead.
    Behind(Ticket<K>),
    /// It would wait for too long.
    Denied(Denied),
    /// As many as may wait do.
    QueueFull,
}

impl<K: Hash + Eq + Clone> Queues<K> {
    /// Decides what a call for `key` meets. The store is asked under the lock, and only when
    /// nobody is in line, so that nobody overtakes.
    pub(super) fn arrive<A>(
        self: &Arc<Self>,
        charge: &Charge<'_, K>,
        (max_wait, max_waiters): (Duration, usize),
        ask: impl FnOnce() -> (A, Poll<Result<Admission, Denied>>),
    ) -> Arrival<K, A> {
        let now = Instant::now();
        let key = charge.key;
        let mut lines = self.lock();
        if let Some(line) = lines.get_mut(key) {
            if line.waiters.len() >= max_waiters {
                return Arrival::QueueFull;
            }
            return match line.unreachable(now, charge, max_wait) {
                Some(denied) => Arrival::Denied(denied),
                None => {
                    let id = line.push(charge.cost);
                    Arrival::Behind(self.ticket(key, id))
                }
            };
        }
        let (admit, answer) = ask();
        match answer {
            Poll::Ready(Ok(admission)) => Arrival::Admitted(admission),
            Poll::Ready(Err(denied)) if max_waiters == 0 || denied.retry_after > max_wait => {
                Arrival::Denied(denied)
            }
            Poll::Ready(Err(denied)) => {
                let line = lines.entry(key.clone()).or_default();
                line.head_until = now.checked_add(denied.retry_after);
                let id = line.push(charge.cost);
                Arrival::Told(self.ticket(key, id), denied.retry_after)
            }
            Poll::Pending => {
                let id = lines.entry(key.clone()).or_default().push(charge.cost);
                Arrival::Asking(self.ticket(key, id), admit)
            }
        }
    }

    fn ticket(self: &Arc<Self>, key: &K, id: u64) -> Ticket<K> {
        Ticket {
            queues: Arc::clone(self),
            key: key.clone(),
            id,
        }
    }
}

impl<K> Queues<K> {
    pub(super) fn waiting(&self) -> usize {
        self.lock().values().map(|line| line.waiters.len()).sum()
    }

    /// Poison is ignored: only a key's own `Hash`, `Eq` or `Clone`, or the store, can panic under
    /// the lock, and they run before a line is changed.
    fn lock(&self) -> MutexGuard<'_, HashMap<K, Line, RandomState>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K> Default for Queues<K> {
    fn default() -> Self {
        Self {
            lines: Mutex::default(),
        }
    }
}

impl Line {
    fn push(&mut self, cost: u32) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        self.waiters.push_back(Waiter {
            id,
            cost,
            waker: None,
        });
        self.cost += u64::from(cost);
        id
    }

    fn remove(&mut self, position: usize) {
        if let Some(gone) = self.waiters.remove(position) {
            self.cost -= u64::from(gone.cost);
        }
    }

    /// The denial of one more waiter, if it is known now that its time would run out. The head
    /// is admitted no earlier than it was told, and each full limit of waiters ahead takes a
    /// whole window more.
    fn unreachable<K>(
        &self,
        now: Instant,
        charge: &Charge<'_, K>,
        max_wait: Duration,
    ) -> Option<Denied> {
        let head = self
            .head_until
            .map_or(Duration::ZERO, |at| at.saturating_duration_since(now));
        // What costs nothing waits for a place as well.
        let last = self.cost.saturating_add(u64::from(charge.cost.max(1))) - 1;
        std::iter::once(&charge.quota)
            .chain(charge.further)
            .map(|&quota| {
                let windows = u32::try_from(last / u64::from(quota.limit())).unwrap_or(u32::MAX);
                let wait = head.saturating_add(quota.window().saturating_mul(windows));
                Denied::new(quota, wait)
            })
            .max_by_key(|denied| denied.retry_after)
            .filter(|denied| denied.retry_after > max_wait)
    }
}

/// A place in line; dropping it leaves the line.
///
/// The bounds are for `Drop`, which has to find the line.
pub(super) struct Ticket<K: Hash + Eq> {
    queues: Arc<Queues<K>>,
    key: K,
    id: u64,
}

impl<K: Hash + Eq> Ticket<K> {
    pub(super) const fn key(&self) -> &K {
        &self.key
    }

    /// Whether nobody is ahead. If somebody is, `waker` is woken once that changes.
    pub(super) fn poll_head(&self, waker: &Waker) -> bool {
        let mut lines = self.queues.lock();
        let Some(line) = lines.get_mut(&self.key) else {
            return true;
        };
        match line
            .waiters
            .binary_search_by_key(&self.id, |waiter| waiter.id)
        {
            Ok(0) | Err(_) => true,
            Ok(position) => {
                match &mut line.waiters[position].waker {
                    Some(known) => known.clone_from(waker),
                    unknown => *unknown = Some(waker.clone()),
                }
                false
            }
        }
    }

    /// Notes what the head was told, for those who come after it.
    pub(super) fn told(&self, retry_after: Duration) {
        if let Some(line) = self.queues.lock().get_mut(&self.key) {
            line.head_until = Instant::now().checked_add(retry_after);
        }
    }
}

impl<K: Hash + Eq> Drop for Ticket<K> {
    fn drop(&mut self) {
        let mut lines = self.queues.lock();
        let Some(line) = lines.get_mut(&self.key) else {
            return;
        };
        let Ok(position) = line
            .waiters
            .binary_search_by_key(&self.id, |waiter| waiter.id)
        else {
            return;
        };
        line.remove(position);
        let next = if position == 0 {
            line.waiters.front_mut().and_then(|head| head.waker.take())
        } else {
            None
        };
        if line.waiters.is_empty() {
            lines.remove(&self.key);
        }
        drop(lines);
        if let Some(next) = next {
            next.wake();
        }
    }
}
