//! One call for any number of equal misses.

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    future::Future,
    hash::Hash,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};

use foldhash::quality::RandomState;
use tokio::{sync::oneshot, time::Instant};

/// How long a key whose answer could not be kept is remembered. Every such answer renews it, so
/// that in steady use nobody queues for what cannot be shared.
const REMEMBERED: Duration = Duration::from_secs(10);

/// The most keys remembered so.
const MOST_REMEMBERED: usize = 4096;

/// Who is under way for which key, and who waits for it.
///
/// The flight belongs to its [`Leader`]: when that is dropped before it said how the flight ended,
/// be it cancelled, panicked or forgotten, exactly one waiter becomes the leader.
pub(crate) struct Flights<K: Eq + Hash + Clone>(Arc<Mutex<Table<K>>>);

struct Table<K: Eq + Hash + Clone> {
    under_way: HashMap<K, Flight<K>, RandomState>,
    /// Keys that are not worth waiting for, until when.
    unshared: HashMap<K, Instant, RandomState>,
}

struct Flight<K: Eq + Hash + Clone> {
    since: Instant,
    waiters: VecDeque<oneshot::Sender<Word<K>>>,
}

/// What becomes of a miss.
pub(crate) enum Boarding<K: Eq + Hash + Clone> {
    /// Nobody was under way: call, and say how it ended.
    Lead(Leader<K>),
    /// Somebody is.
    Wait(Waiter<K>),
    /// Call without waiting for anybody and without anybody waiting.
    Alone,
}

/// How a flight ended for one who waited.
pub(crate) enum Word<K: Eq + Hash + Clone> {
    /// The answer has been kept: look it up.
    Landed,
    /// The answer cannot be shared.
    Scattered,
    /// There was no answer.
    Failed,
    /// The leader is gone.
    Lead(Leader<K>),
}

impl<K: Eq + Hash + Clone> Flights<K> {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(Table {
            under_way: HashMap::default(),
            unshared: HashMap::default(),
        })))
    }

    /// Joins the flight for a key, or starts one. A flight that has been under way for `patience`
    /// is not waited for: it may never end.
    pub(crate) fn board(&self, key: &K, now: Instant, patience: Duration) -> Boarding<K> {
        let mut table = lock(&self.0);
        if table.unshared.get(key).is_some_and(|until| now < *until) {
            return Boarding::Alone;
        }
        let Some(flight) = table.under_way.get_mut(key) else {
            let flight = Flight {
                since: now,
                waiters: VecDeque::new(),
            };
            table.under_way.insert(key.clone(), flight);
            return Boarding::Lead(self.leader(key.clone()));
        };
        if now.saturating_duration_since(flight.since) >= patience {
            return Boarding::Alone;
        }
        if flight.waiters.len() == flight.waiters.capacity() {
            // Room is made of those who gave up before more is taken.
            flight.waiters.retain(|waiter| !waiter.is_closed());
        }
        let (sender, word) = oneshot::channel();
        flight.waiters.push_back(sender);
        Boarding::Wait(Waiter { word })
    }

    /// Starts a flight unless one is under way.
    pub(crate) fn start(&self, key: &K, now: Instant) -> Option<Leader<K>> {
        match self.board(key, now, Duration::ZERO) {
            Boarding::Lead(leader) => Some(leader),
            Boarding::Wait(_) | Boarding::Alone => None,
        }
    }

    /// Remembers that the answer for a key cannot be shared.
    pub(crate) fn unshared(&self, key: &K, now: Instant) {
        lock(&self.0).remember(key, now);
    }

    fn leader(&self, key: K) -> Leader<K> {
        Leader {
            flights: Self(Arc::clone(&self.0)),
            key: Some(key),
        }
    }

    /// Ends the flight and gives out who waited for it.
    fn end(&self, key: &K) -> VecDeque<oneshot::Sender<Word<K>>> {
        let flight = lock(&self.0).under_way.remove(key);
        flight.map(|flight| flight.waiters).unwrap_or_default()
    }

    /// The next waiter in line; without one, the flight ends.
    fn next(&self, key: &K) -> Option<oneshot::Sender<Word<K>>> {
        let mut table = lock(&self.0);
        let flight = table.under_way.get_mut(key)?;
        let waiter = flight.waiters.pop_front();
        if waiter.is_none() {
            table.under_way.remove(key);
        } else {
            flight.since = Instant::now();
        }
        waiter
    }
}

impl<K: Eq + Hash + Clone> Table<K> {
    fn remember(&mut self, key: &K, now: Instant) {
        if self.unshared.len() >= MOST_REMEMBERED {
            self.unshared.retain(|_, until| now < *until);
        }
        if self.unshared.len() < MOST_REMEMBERED {
            self.unshared.insert(key.clone(), now + REMEMBERED);
        }
    }
}

/// `Hash` and `Eq` of a key may be foreign code, but no step of the table is left half done when
/// they panic.
fn lock<K: Eq + Hash + Clone>(table: &Mutex<Table<K>>) -> MutexGuard<'_, Table<K>> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The one that calls. Dropping it hands the flight on.
pub(crate) struct Leader<K: Eq + Hash + Clone> {
    flights: Flights<K>,
    /// Taken when the flight has ended.
    key: Option<K>,
}

impl<K: Eq + Hash + Clone> Leader<K> {
    /// The answer has been kept.
    pub(crate) fn land(self) {
        self.tell(|| Word::Landed);
    }

    /// The answer cannot be shared, and the next one likely cannot either.
    pub(crate) fn scatter(self, now: Instant) {
        if let Some(key) = &self.key {
            self.flights.unshared(key, now);
        }
        self.tell(|| Word::Scattered);
    }

    /// There was no answer.
    pub(crate) fn fail(self) {
        self.tell(|| Word::Failed);
    }

    fn tell(mut self, word: impl Fn() -> Word<K>) {
        if let Some(key) = self.key.take() {
            for waiter in self.flights.end(&key) {
                // One that has gone needs no word.
                let _ = waiter.send(word());
            }
        }
    }
}

impl<K: Eq + Hash + Clone> Drop for Leader<K> {
    fn drop(&mut self) {
        let Some(mut key) = self.key.take() else {
            return;
        };
        while let Some(waiter) = self.flights.next(&key) {
            match waiter.send(Word::Lead(self.flights.leader(key))) {
                // Should it go before it reads this, the leader in it is dropped in turn.
                Ok(()) => return,
                Err(Word::Lead(mut unread)) => match unread.key.take() {
                    Some(unread) => key = unread,
                    None => return,
                },
                Err(_) => return,
            }
        }
    }
}

/// Waits for the end of a flight.
pub(crate) struct Waiter<K: Eq + Hash + Clone> {
    word: oneshot::Receiver<Word<K>>,
}

impl<K: Eq + Hash + Clone> Future for Waiter<K> {
    type Output = Word<K>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Word<K>> {
        // A flight always says how it ended; one that could not is one without an answer.
        Poll::Ready(ready!(Pin::new(&mut self.word).poll(cx)).unwrap_or(Word::Failed))
    }
}

// Keys may be secret, so none of these shows one.

impl<K: Eq + Hash + Clone> fmt::Debug for Flights<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flights")
            .field("under_way", &lock(&self.0).under_way.len())
            .finish_non_exhaustive()
    }
}

impl<K: Eq + Hash + Clone> fmt::Debug for Leader<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Leader").finish_non_exhaustive()
    }
}
