use std::{collections::BTreeMap, hash::Hash, sync::Arc, time::Duration};

use crate::{
    Endpoint,
    candidates::{Choices, Home, Slot},
    hash,
    maglev::Share,
    pool::Pool,
    snapshot::{Snapshot, Tier},
    state::State,
    tiers::{self, Entry, Order},
};

/// An endpoint of the set.
#[derive(Debug)]
pub(crate) struct Member<K, S> {
    pub(crate) key: K,
    pub(crate) service: S,
    pub(crate) weight: u16,
    pub(crate) priority: u8,
    pub(crate) limit: u32,
    pub(crate) state: Arc<State>,
}

/// All endpoints of a set, in the order in which they were put in.
#[derive(Debug)]
pub(crate) struct Roster<K, S> {
    pub(crate) members: Vec<Arc<Member<K, S>>>,
    homes: BTreeMap<u8, Arc<Home>>,
    next_id: u64,
}

impl<K, S> Roster<K, S> {
    pub(crate) const fn new() -> Self {
        Self {
            members: Vec::new(),
            homes: BTreeMap::new(),
            next_id: 0,
        }
    }

    /// A snapshot of who may get requests at `now`. Takes back whom it is time to take back, and
    /// says when the next one is due.
    pub(crate) fn snapshot(&self, pool: &Pool) -> Snapshot<K, S> {
        pool.begin();
        let now = pool.now();
        let mut settings = pool.settings();
        settings.tally.clear();
        let entries: Vec<_> = self
            .members
            .iter()
            .map(|member| {
                let entry = look_at(member, now);
                let ejected = member.state.condition().ejected_until();
                if !entry.draining {
                    let tally = settings.tally.entry(member.priority).or_default();
                    tally.members += 1;
                    tally.ejected += usize::from(ejected.is_some());
                }
                if let Some(until) = ejected {
                    pool.due_at(until);
                }
                entry
            })
            .collect();
        let Order { tiers, panic } = tiers::order(&entries, settings.panic_threshold);
        settings.metrics.health(&entries, panic);
        let slow_start = settings.slow_start;
        let tiers = tiers
            .into_iter()
            .map(|(priority, chosen)| self.tier(priority, &chosen, now, slow_start, pool))
            .collect();
        Snapshot { tiers, panic }
    }

    fn tier(
        &self,
        priority: u8,
        chosen: &[usize],
        now: Duration,
        slow_start: Duration,
        pool: &Pool,
    ) -> Tier<K, S> {
        let members: Vec<_> = chosen
            .iter()
            .map(|index| self.members[*index].clone())
            .collect();
        let slots = members
            .iter()
            .map(|member| {
                let (share, next) = member.state.condition().share(now, slow_start);
                if let Some(next) = next {
                    pool.due_at(next);
                }
                Slot {
                    state: member.state.clone(),
                    weight: u32::from(member.weight) * share,
                    limit: member.limit,
                }
            })
            .collect();
        let mut slot_of = Vec::new();
        for (index, _) in self.of(priority) {
            let slot = chosen.binary_search(&index).ok();
            slot_of.push(slot.and_then(|slot| u32::try_from(slot).ok()));
        }
        let home = self.homes.get(&priority).cloned();
        let home = home.unwrap_or_else(|| Arc::new(Home::new(Vec::new())));
        Tier {
            choices: Choices::new(slots, home, slot_of),
            members,
        }
    }

    fn of(&self, priority: u8) -> impl Iterator<Item = (usize, &Arc<Member<K, S>>)> {
        let members = self.members.iter().enumerate();
        members.filter(move |(_, member)| member.priority == priority)
    }

    /// Members came or went, or their weights changed: where keys belong is to be said anew, for the
    /// priorities in which something did.
    pub(crate) fn settle(&mut self) {
        let mut shares = BTreeMap::<_, Vec<_>>::new();
        for member in &self.members {
            shares.entry(member.priority).or_default().push(Share {
                hash: member.state.hash,
                weight: u32::from(member.weight),
            });
        }
        self.homes
            .retain(|priority, _| shares.contains_key(priority));
        for (priority, shares) in shares {
            let before = self.homes.get(&priority);
            if before.is_some_and(|before| before.shares() == shares) {
                continue;
            }
            let home = Home::new(shares);
            if let Some(before) = before {
                home.follow(before);
            }
            self.homes.insert(priority, Arc::new(home));
        }
    }
}

impl<K: Eq + Hash, S> Roster<K, S> {
    pub(crate) fn find(&self, key: &K) -> Option<&Arc<Member<K, S>>> {
        self.members.iter().find(|member| member.key == *key)
    }

    /// Puts an endpoint in, in the place of the one with the same key if there is one; whether there
    /// was.
    pub(crate) fn insert(&mut self, endpoint: Endpoint<K, S>, pool: &Arc<Pool>) -> bool {
        let Endpoint {
            key,
            service,
            weight,
            priority,
            limit,
        } = endpoint;
        let place = self.members.iter().position(|member| member.key == key);
        let state = if let Some(place) = place {
            let state = self.members[place].state.clone();
            state.set_priority(priority);
            state.condition().draining = false;
            state
        } else {
            let id = self.next_id;
            self.next_id += 1;
            Arc::new(State::new(id, hash::stable(&key), priority, pool.clone()))
        };
        let member = Arc::new(Member {
            key,
            service,
            weight,
            priority,
            limit,
            state,
        });
        match place {
            Some(place) => self.members[place] = member,
            None => self.members.push(member),
        }
        place.is_some()
    }
}

/// Takes the endpoint back when it is time to, and says how it is.
fn look_at<K, S>(member: &Member<K, S>, now: Duration) -> Entry {
    let mut condition = member.state.condition();
    if condition.readmit(now) {
        member.state.on_probation();
    }
    Entry {
        priority: member.priority,
        draining: condition.draining,
        healthy: condition.is_healthy(),
    }
}
