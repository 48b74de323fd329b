use std::{
    sync::{Arc, OnceLock, atomic::Ordering},
    time::Duration,
};

use crate::{
    draw::Draw,
    maglev::{Maglev, Share},
    schedule::Schedule,
    state::State,
};

/// One endpoint of a tier.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) state: Arc<State>,
    /// With a slow start taken into account.
    pub(crate) weight: u32,
    pub(crate) limit: u32,
}

/// All members of a tier, healthy or not: which keys belong to whom must not change each time one of
/// them falters.
#[derive(Debug)]
pub(crate) struct Home {
    shares: Vec<Share>,
    table: OnceLock<Maglev>,
}

impl Home {
    pub(crate) fn new(shares: Vec<Share>) -> Self {
        Self {
            shares,
            table: OnceLock::new(),
        }
    }

    pub(crate) fn shares(&self) -> &[Share] {
        &self.shares
    }

    /// Of some thousand slots: made only when a policy asks for it.
    fn table(&self) -> &Maglev {
        self.table.get_or_init(|| Maglev::new(&self.shares))
    }

    /// Makes the table now if `before` was asked for its own, so that no request has to.
    pub(crate) fn follow(&self, before: &Self) {
        if before.table.get().is_some() {
            self.table();
        }
    }
}

/// The endpoints of a tier that may get requests.
#[derive(Debug)]
pub(crate) struct Choices {
    slots: Vec<Slot>,
    schedule: Schedule,
    weights: u64,
    home: Arc<Home>,
    /// By place in `home`.
    slot_of: Vec<Option<u32>>,
}

impl Choices {
    /// `slot_of` says which slot a member of `home` has.
    pub(crate) fn new(slots: Vec<Slot>, home: Arc<Home>, slot_of: Vec<Option<u32>>) -> Self {
        let weights: Vec<_> = slots.iter().map(|slot| slot.weight).collect();
        Self {
            schedule: Schedule::new(&weights),
            weights: weights.iter().copied().map(u64::from).sum(),
            slots,
            home,
            slot_of,
        }
    }

    pub(crate) fn slot(&self, index: usize) -> Option<&Slot> {
        self.slots.get(index)
    }
}

/// The endpoints that one of is to be picked of, by index: those of one priority that are healthy,
/// in the order in which they were put in.
#[derive(Debug, Clone, Copy)]
pub struct Candidates<'a> {
    choices: &'a Choices,
    tried: &'a [u64],
    now: Duration,
}

impl<'a> Candidates<'a> {
    pub(crate) fn new(choices: &'a Choices, tried: &'a [u64], now: Duration) -> Self {
        Self {
            choices,
            tried,
            now,
        }
    }

    /// The time since the set was made, for a policy that measures times; zero for others.
    pub(crate) fn now(&self) -> Duration {
        self.now
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.choices.slots.len()
    }

    /// Whether there are none. A policy is not asked then.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.choices.slots.is_empty()
    }

    /// Whether this one may be picked: it is not full, and has not had the request before.
    ///
    /// # Panics
    ///
    /// When there is no such index; likewise below.
    #[must_use]
    pub fn is_open(&self, index: usize) -> bool {
        let slot = &self.choices.slots[index];
        (slot.limit == u32::MAX || slot.state.in_flight() < slot.limit)
            && (self.tried.is_empty() || !self.tried.contains(&slot.state.id))
    }

    /// How many requests it works on.
    #[must_use]
    pub fn in_flight(&self, index: usize) -> u32 {
        self.choices.slots[index].state.in_flight()
    }

    /// Its weight at this moment. It is comparable to that of the others and nothing else: during a
    /// slow start all of them are ten times as large.
    #[must_use]
    pub fn weight(&self, index: usize) -> u32 {
        self.choices.slots[index].weight
    }

    /// How long its answers take, when the policy [measures](crate::Policy::latency) that.
    #[must_use]
    pub fn latency(&self, index: usize) -> Option<Duration> {
        self.choices.slots[index]
            .state
            .latency()
            .map(|ewma| ewma.latency())
    }

    /// The first open one from `start` on, and round again.
    pub(crate) fn open_from(&self, start: usize) -> Option<usize> {
        (start..self.len())
            .chain(0..start)
            .find(|index| self.is_open(*index))
    }

    /// The one whose turn it is, or else the next open one in turn.
    pub(crate) fn in_turn(&self, turn: usize) -> Option<usize> {
        let first = self.choices.schedule.at(turn);
        if self.is_open(first) {
            return Some(first);
        }
        (1..self.choices.schedule.len())
            .map(|further| self.choices.schedule.at(turn.wrapping_add(further)))
            .find(|index| self.is_open(*index))
    }

    /// One at random, by weight; whether it is open or not.
    pub(crate) fn drawn(&self, draw: &Draw) -> usize {
        let turn = draw.below(self.choices.schedule.len());
        self.choices.schedule.at(turn)
    }

    /// Two different ones at random, by weight. There must be two.
    pub(crate) fn two_drawn(&self, draw: &Draw) -> (usize, usize) {
        const TRIES: usize = 4;
        let first = self.drawn(draw);
        let second = (0..TRIES)
            .map(|_| self.drawn(draw))
            .find(|second| *second != first);
        let second = second.unwrap_or_else(|| {
            let step = 1 + draw.below(self.len() - 1);
            (first + step) % self.len()
        });
        (first, second)
    }

    /// Requests in flight for its weight, with the one that is to come.
    pub(crate) fn load(&self, index: usize) -> f32 {
        let slot = &self.choices.slots[index];
        (slot.state.in_flight() as f32 + 1.0) / slot.weight as f32
    }

    pub(crate) fn state(&self, index: usize) -> &State {
        &self.choices.slots[index].state
    }

    /// Those that a key may go to, the one it belongs to first; some come several times.
    pub(crate) fn owners(&self, key: u64) -> impl Iterator<Item = usize> + use<'a> {
        // Enough to come across nearly all of them, and an end for when all are full.
        let limit = self.choices.slot_of.len().saturating_mul(8);
        let choices = self.choices;
        choices
            .home
            .table()
            .owners(key, limit)
            .filter_map(|member| choices.slot_of[member].map(|slot| slot as usize))
    }

    /// Whether it has less than its share of all requests in flight times `percent`, so that the
    /// next one may go there.
    pub(crate) fn is_within(&self, index: usize, percent: u64) -> bool {
        let slot = &self.choices.slots[index];
        let total = slot.state.pool.in_flight.load(Ordering::Relaxed) as u64;
        let share = u128::from(total + 1) * u128::from(slot.weight) * u128::from(percent);
        let bound = share.div_ceil(u128::from(self.choices.weights.max(1)) * 100);
        u128::from(slot.state.in_flight()) < bound
    }
}
