use std::hash::Hash;

use crate::{Candidates, Policy, hash};

/// Requests of one key to one endpoint: a client address, a session, whatever the request says.
///
/// Nearly all keys stay where they are when an endpoint comes or goes (Maglev hashing), and every
/// process that knows the same endpoints has the same keys in the same places. While an endpoint is
/// unhealthy its keys are elsewhere, each at a place of its own, and come back with it.
///
/// An endpoint has at most 1.25 times its share of the requests in flight (bounded load); what is
/// over goes where the key would go without it.
///
/// ```
/// use std::net::IpAddr;
/// use tower_load_balancer::ConsistentHash;
///
/// struct Request { client: IpAddr }
///
/// let by_client = ConsistentHash::new(|request: &Request| request.client);
/// # let _ = by_client;
/// ```
#[derive(Debug, Clone)]
pub struct ConsistentHash<F> {
    key: F,
    bound: Option<u64>,
}

impl<F> ConsistentHash<F> {
    /// The key of a request is what `key` says.
    pub const fn new(key: F) -> Self {
        Self {
            key,
            bound: Some(125),
        }
    }

    /// How much an endpoint may have at most, in percent of its share. Below 100 the load would not
    /// fit, so that counts as 100.
    #[must_use]
    pub const fn bound(mut self, percent: u16) -> Self {
        self.bound = Some(if percent < 100 { 100 } else { percent as u64 });
        self
    }

    /// Keys stay where they belong, whatever the load.
    #[must_use]
    pub const fn unbounded(mut self) -> Self {
        self.bound = None;
        self
    }
}

impl<F, Request, Key> Policy<Request> for ConsistentHash<F>
where
    F: Fn(&Request) -> Key,
    Key: Hash,
{
    fn pick(&self, candidates: &Candidates<'_>, request: &Request) -> Option<usize> {
        let key = hash::stable(&(self.key)(request));
        let mut owners = candidates
            .owners(key)
            .filter(|owner| candidates.is_open(*owner));
        let home = owners.next();
        let picked = match (self.bound, home) {
            (Some(percent), Some(home)) if !candidates.is_within(home, percent) => owners
                .find(|owner| candidates.is_within(*owner, percent))
                .or(Some(home)),
            _ => home,
        };
        picked.or_else(|| candidates.open_from(0))
    }

    fn counts_total(&self) -> bool {
        self.bound.is_some()
    }
}
