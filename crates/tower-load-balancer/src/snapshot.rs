use std::sync::Arc;

use crate::{
    Candidates, InFlight, Policy, candidates::Choices, error::Error, pool::Pool, roster::Member,
};

/// What requests see of a set: who may get them, as it was at one moment.
#[derive(Debug)]
pub(crate) struct Snapshot<K, S> {
    pub(crate) tiers: Vec<Tier<K, S>>,
    pub(crate) panic: bool,
}

/// The endpoints of one priority that may get requests; `members` go with the slots of `choices`.
#[derive(Debug)]
pub(crate) struct Tier<K, S> {
    pub(crate) choices: Choices,
    pub(crate) members: Vec<Arc<Member<K, S>>>,
}

impl<K, S> Snapshot<K, S> {
    pub(crate) const fn empty() -> Self {
        Self {
            tiers: Vec::new(),
            panic: false,
        }
    }

    /// Picks an endpoint that is not in `tried`, and counts the request as in flight there.
    pub(crate) fn pick<P, Request, E>(
        &self,
        pool: &Pool,
        policy: &P,
        request: &Request,
        tried: &[u64],
    ) -> Result<(&S, InFlight), Error<E>>
    where
        P: Policy<Request>,
    {
        let measured = policy.latency().map(|latency| (latency, pool.now()));
        let now = measured.map(|(_, now)| now).unwrap_or_default();
        let mut found = Error::Empty;
        for tier in &self.tiers {
            // One may have become full since it was picked; then another is picked.
            for _ in 0..=tier.members.len() {
                let candidates = Candidates::new(&tier.choices, tried, now);
                let Some(index) = policy.pick(&candidates, request) else {
                    break;
                };
                let (Some(slot), Some(member)) =
                    (tier.choices.slot(index), tier.members.get(index))
                else {
                    break;
                };
                let in_total = policy.counts_total();
                let in_flight = InFlight::enter(&slot.state, slot.limit, measured, in_total);
                if let Some(in_flight) = in_flight {
                    return Ok((&member.service, in_flight));
                }
            }
            found = Error::Full;
        }
        Err(found)
    }
}
