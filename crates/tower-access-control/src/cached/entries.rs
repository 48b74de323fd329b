use std::{collections::HashMap, mem, time::SystemTime};

use tokio::time::Instant;

use crate::Verified;

pub(super) type Digest = [u8; 32];

/// What is known, in two generations: when the young one is full, the old one goes, and the young
/// one is the old one from then on. What is asked for becomes young again.
#[derive(Debug)]
pub(super) struct Entries<P> {
    young: HashMap<Digest, Entry<P>>,
    old: HashMap<Digest, Entry<P>>,
    /// Of each generation.
    capacity: usize,
    /// How often something was forgotten on request.
    epoch: u64,
}

#[derive(Debug)]
struct Entry<P> {
    verified: Verified<P>,
    fresh_until: Instant,
}

/// Two clocks: the time of day, in which credentials end, and one that nobody sets, in which
/// entries do.
#[derive(Debug, Clone, Copy)]
pub(super) struct Now {
    pub(super) wall: SystemTime,
    pub(super) steady: Instant,
}

impl<P> Entries<P> {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            young: HashMap::new(),
            old: HashMap::new(),
            capacity: capacity.div_ceil(2).max(1),
            epoch: 0,
        }
    }

    pub(super) const fn epoch(&self) -> u64 {
        self.epoch
    }

    pub(super) fn get(&mut self, digest: &Digest, now: Now) -> Option<Verified<P>>
    where
        P: Clone,
    {
        if let Some(entry) = self.young.get(digest) {
            if entry.is_good(now) {
                return Some(entry.verified.clone());
            }
            self.young.remove(digest);
            return None;
        }
        let entry = self.old.remove(digest)?;
        if !entry.is_good(now) {
            return None;
        }
        let verified = entry.verified.clone();
        self.put(*digest, entry);
        Some(verified)
    }

    /// Keeps what was verified, unless something was forgotten since the verification began in
    /// `epoch`: it might have been this.
    pub(super) fn insert(
        &mut self,
        digest: Digest,
        verified: Verified<P>,
        fresh_until: Instant,
        epoch: u64,
    ) {
        if epoch == self.epoch {
            self.old.remove(&digest);
            let entry = Entry {
                verified,
                fresh_until,
            };
            self.put(digest, entry);
        }
    }

    pub(super) fn forget(&mut self, digest: &Digest) {
        self.epoch = self.epoch.wrapping_add(1);
        self.young.remove(digest);
        self.old.remove(digest);
    }

    pub(super) fn forget_where(&mut self, mut whose: impl FnMut(&P) -> bool) {
        self.epoch = self.epoch.wrapping_add(1);
        let mut kept = |_: &Digest, entry: &mut Entry<P>| !whose(&entry.verified.principal);
        self.young.retain(&mut kept);
        self.old.retain(&mut kept);
    }

    fn put(&mut self, digest: Digest, entry: Entry<P>) {
        if self.young.len() >= self.capacity && !self.young.contains_key(&digest) {
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(digest, entry);
    }
}

impl<P> Entry<P> {
    fn is_good(&self, now: Now) -> bool {
        let ended = |end: SystemTime| end <= now.wall;
        now.steady < self.fresh_until && !self.verified.expires_at.is_some_and(ended)
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::HashSet, time::Duration};

    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[derive(Debug, Clone)]
    enum Step {
        Get(u8),
        Insert { key: u8, expires_in: Option<u64> },
        Forget(u8),
        ForgetOdd,
        Wait(u64),
    }

    fn step() -> impl Strategy<Value = Step> {
        let key = 0..12_u8;
        prop_oneof![
            4 => key.clone().prop_map(Step::Get),
            4 => (key.clone(), proptest::option::of(0..20_u64))
                .prop_map(|(key, expires_in)| Step::Insert { key, expires_in }),
            1 => key.prop_map(Step::Forget),
            1 => Just(Step::ForgetOdd),
            1 => (0..8_u64).prop_map(Step::Wait),
        ]
    }

    fn digest(key: u8) -> Digest {
        [key; 32]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        /// What comes out went in, hasn't ended, and wasn't forgotten; what was used last is
        /// still there.
        #[test]
        fn it_answers_nothing_that_a_list_would_not(
            steps in prop::collection::vec(step(), 0..80),
            capacity in 1..8_usize,
        ) {
            let mut now = Now { wall: SystemTime::UNIX_EPOCH, steady: Instant::now() };
            let mut entries = Entries::new(capacity);
            // Ends by the wall and by the cache.
            let mut model: HashMap<u8, (Option<SystemTime>, Instant)> = HashMap::new();
            let mut used: Vec<u8> = Vec::new();
            for step in steps {
                match step {
                    Step::Wait(seconds) => {
                        let wait = Duration::from_secs(seconds);
                        now = Now { wall: now.wall + wait, steady: now.steady + wait };
                    }
                    Step::Insert { key, expires_in } => {
                        let expires_at = expires_in.map(|seconds| now.wall + SECOND * seconds as u32);
                        let fresh_until = now.steady + SECOND * 10;
                        let verified = Verified { principal: key, expires_at };
                        let epoch = entries.epoch();
                        entries.insert(digest(key), verified, fresh_until, epoch);
                        model.insert(key, (expires_at, fresh_until));
                        used.push(key);
                    }
                    Step::Forget(key) => {
                        entries.forget(&digest(key));
                        model.remove(&key);
                    }
                    Step::ForgetOdd => {
                        entries.forget_where(|key| key % 2 == 1);
                        model.retain(|key, _| key % 2 == 0);
                    }
                    Step::Get(key) => {
                        let good = model.get(&key).is_some_and(|(wall, steady)| {
                            *steady > now.steady && wall.is_none_or(|end| end > now.wall)
                        });
                        let since = used.iter().rev().take_while(|each| **each != key);
                        let others: HashSet<_> = since.collect();
                        let found = entries.get(&digest(key), now);
                        prop_assert!(good || found.is_none());
                        if good && others.len() < capacity.div_ceil(2) {
                            prop_assert!(found.is_some());
                        }
                        if let Some(found) = found {
                            prop_assert_eq!(found.principal, key);
                            used.push(key);
                        }
                    }
                }
                prop_assert!(entries.young.len() + entries.old.len() <= capacity.next_multiple_of(2));
            }
        }
    }

    #[test]
    fn what_was_forgotten_during_its_verification_is_not_kept() {
        let now = Now {
            wall: SystemTime::UNIX_EPOCH,
            steady: Instant::now(),
        };
        let verified = Verified {
            principal: 1,
            expires_at: None,
        };
        let mut entries = Entries::new(8);
        let began = entries.epoch();
        entries.forget(&digest(1));
        entries.insert(digest(1), verified, now.steady + SECOND, began);
        assert_eq!(entries.get(&digest(1), now), None);
    }
}
