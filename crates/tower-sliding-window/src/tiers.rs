use std::time::Duration;

use crate::{Admission, Algorithm, Charge, Denied, Quota, Usage, store::Now};

/// What one key has used of each of its quotas. All are charged, or none.
#[derive(Debug)]
pub(crate) struct Tiers<A> {
    /// In the key's own slot: most keys have one quota.
    first: Tier<A>,
    #[allow(clippy::box_collection, reason = "one word where most keys need none")]
    rest: Option<Box<Vec<Tier<A>>>>,
}

#[derive(Debug)]
struct Tier<A> {
    quota: Quota,
    rule: A,
}

/// The rule is held to a window longer by the clock's tick: between two readings a whole window
/// apart the true time may differ by a tick less. And who is told to wait is told a tick more, so
/// that the clock has ticked when he returns.
impl<A: Algorithm> Tier<A> {
    fn new(quota: Quota) -> Self {
        Self {
            quota,
            rule: A::default(),
        }
    }

    fn check(&self, now: Now, cost: u32) -> Result<Admission, Denied> {
        if now.tick == 0 {
            return self.rule.check(now.at, cost, self.quota);
        }
        match self
            .rule
            .check(now.at, cost, self.quota.longer_by(now.tick))
        {
            Ok(admission) => {
                let true_quota = Admission::new(self.quota, admission.remaining);
                Ok(true_quota.stamped(admission.stamp()))
            }
            Err(denied) => Err(Denied::new(self.quota, later(denied.retry_after, now))),
        }
    }

    fn charge(&mut self, now: Now, cost: u32) {
        self.rule
            .charge(now.at, cost, self.quota.longer_by(now.tick));
    }

    fn refund(&mut self, now: Now, at: Option<u64>, cost: u32) {
        self.rule
            .refund(now.at, at, cost, self.quota.longer_by(now.tick));
    }

    fn usage(&self, now: Now) -> Usage {
        let mut usage = self.rule.usage(now.at, self.quota.longer_by(now.tick));
        if !usage.next_admission.is_zero() {
            usage.next_admission = later(usage.next_admission, now);
        }
        usage
    }

    fn is_spent(&self, now: Now) -> bool {
        self.rule.is_spent(now.at, self.quota.longer_by(now.tick))
    }

    /// Quotas may change between two requests; what is used stays.
    fn adopt(&mut self, now: Now, quota: Quota) {
        if self.quota != quota {
            let (from, to) = (self.quota.longer_by(now.tick), quota.longer_by(now.tick));
            self.rule.change_quota(now.at, from, to);
            self.quota = quota;
        }
    }
}

fn later(wait: Duration, now: Now) -> Duration {
    wait.saturating_add(Duration::from_nanos(now.tick))
}

impl<A: Algorithm> Tiers<A> {
    pub(crate) fn new(quota: Quota) -> Self {
        Self {
            first: Tier::new(quota),
            rest: None,
        }
    }

    pub(crate) fn admit<K>(
        &mut self,
        now: Now,
        charge: &Charge<'_, K>,
    ) -> Result<Admission, Denied> {
        self.adopt(now, charge);
        let mut admission = self.first.check(now, charge.cost);
        for tier in self.rest() {
            admission = tightest(admission, tier.check(now, charge.cost));
        }
        if admission.is_ok() {
            self.charge(now, charge.cost);
        }
        admission
    }

    /// Charges all tiers, full or not.
    pub(crate) fn charge(&mut self, now: Now, cost: u32) {
        for tier in self.tiers_mut() {
            tier.charge(now, cost);
        }
    }

    pub(crate) fn refund(&mut self, now: Now, at: Option<u64>, cost: u32) {
        for tier in self.tiers_mut() {
            tier.refund(now, at, cost);
        }
    }

    /// The tier that is full for longest or, when none is full, the fullest.
    pub(crate) fn usage(&self, now: Now) -> Usage {
        let mut tightest = self.first.usage(now);
        for tier in self.rest() {
            let usage = tier.usage(now);
            let longer = usage.next_admission.cmp(&tightest.next_admission);
            if longer
                .then(usage.percentage().total_cmp(&tightest.percentage()))
                .is_gt()
            {
                tightest = usage;
            }
        }
        tightest
    }

    pub(crate) fn is_spent(&self, now: Now) -> bool {
        self.first.is_spent(now) && self.rest().iter().all(|tier| tier.is_spent(now))
    }

    /// A tier keeps its history by its position.
    pub(crate) fn adopt<K>(&mut self, now: Now, charge: &Charge<'_, K>) {
        self.first.adopt(now, charge.quota);
        if charge.further.is_empty() {
            self.rest = None;
            return;
        }
        let rest = self.rest.get_or_insert_default();
        rest.truncate(charge.further.len());
        for (position, &quota) in charge.further.iter().enumerate() {
            match rest.get_mut(position) {
                Some(tier) => tier.adopt(now, quota),
                None => rest.push(Tier::new(quota)),
            }
        }
    }

    fn rest(&self) -> &[Tier<A>] {
        self.rest.as_deref().map_or(&[], Vec::as_slice)
    }

    fn tiers_mut(&mut self) -> impl Iterator<Item = &mut Tier<A>> {
        let rest = self
            .rest
            .as_deref_mut()
            .map_or(&mut [][..], Vec::as_mut_slice);
        std::iter::once(&mut self.first).chain(rest)
    }
}

/// A request passes when every tier lets it, so the longest wait is the true one.
pub(crate) fn tightest(
    one: Result<Admission, Denied>,
    other: Result<Admission, Denied>,
) -> Result<Admission, Denied> {
    match (one, other) {
        (Ok(one), Ok(other)) if other.remaining < one.remaining => Ok(other),
        (Err(one), Err(other)) if other.retry_after > one.retry_after => Err(other),
        (Ok(_), Err(other)) => Err(other),
        (one, _) => one,
    }
}
