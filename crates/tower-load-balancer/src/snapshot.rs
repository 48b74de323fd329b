use std::sync::Arc;

use crate::{
    Candidates, InFlight, Policy, candidates::Choices, error::Error, roster::Member, state::State,
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
        policy: &P,
        request: &Request,
        tried: &[u64],
    ) -> Result<(&S, InFlight), Error<E>>
    where
        P: Policy<Request>,
    {
        let mut found = Error::Empty;
        for tier in &self.tiers {
            // One may have become full since it was picked; then another is picked.
            for _ in 0..=tier.members.len() {
                let candidates = Candidates::new(&tier.choices, tried);
                let Some(index) = policy.pick(&candidates, request) else {
                    break;
                };
                let (Some(slot), Some(member)) =
                    (tier.choices.slot(index), tier.members.get(index))
                else {
                    break;
                };
                if let Some(in_flight) = enter(&slot.state, slot.limit, policy) {
                    return Ok((&member.service, in_flight));
                }
            }
            found = Error::Full;
        }
        Err(found)
    }
}

fn enter<P, Request>(state: &Arc<State>, limit: u32, policy: &P) -> Option<InFlight>
where
    P: Policy<Request>,
{
    InFlight::enter(state, limit, policy.latency(), policy.counts_total())
}
