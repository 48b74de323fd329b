//! Each retry set up for the same thing, with what its package brings.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use tower::{
    Layer,
    retry::{
        self, Policy,
        backoff::{Backoff, ExponentialBackoff, ExponentialBackoffMaker, MakeBackoff},
        budget::{Budget, TpsBudget},
    },
    util::{BoxCloneService, rng::HasherRng},
};
use tower_resilience_retry::{ExponentialRandomBackoff, RetryBudgetBuilder};
use tower_retry_backoff::{RetryLayer, Verdict};

use crate::upstream::{Failed, Request, Upstream};

pub(crate) type Client = BoxCloneService<Request, (), Failed>;

#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Ours,
    Tower,
    TowerResilience,
}

#[derive(Clone, Copy)]
pub(crate) struct Settings {
    pub(crate) attempts: u32,
    /// Of the first delay, which doubles.
    pub(crate) base: Duration,
    pub(crate) cap: Duration,
    /// The package's budget, as it comes.
    pub(crate) budget: bool,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ours => "tower-retry-backoff",
            Self::Tower => "tower 0.5 `retry`",
            Self::TowerResilience => "tower-resilience-retry 0.14",
        }
    }

    pub(crate) fn client(self, settings: Settings, upstream: Upstream) -> Client {
        match self {
            Self::Ours => BoxCloneService::new(ours(settings).layer(upstream)),
            Self::Tower => {
                let layer = retry::RetryLayer::new(Attempts::new(settings));
                BoxCloneService::new(layer.layer(upstream))
            }
            Self::TowerResilience => {
                let backoff = ExponentialRandomBackoff::new(settings.base, 0.5)
                    .expect("the factor is between 0 and 1")
                    .max_interval(settings.cap);
                let mut layer =
                    tower_resilience_retry::RetryLayer::<Request, (), Failed>::builder()
                        .max_attempts(settings.attempts as usize)
                        .backoff(backoff);
                if settings.budget {
                    let budget = RetryBudgetBuilder::new().token_bucket().build();
                    layer = layer.budget(budget.expect("its own defaults"));
                }
                BoxCloneService::new(layer.build().layer(upstream))
            }
        }
    }
}

type Judge = fn(Result<&(), &Failed>) -> Verdict;

fn ours(settings: Settings) -> RetryLayer<Judge> {
    fn judge(result: Result<&(), &Failed>) -> Verdict {
        result.map_or(Verdict::retry(), |()| Verdict::Done)
    }
    let backoff = tower_retry_backoff::Backoff::exponential(settings.base, settings.cap);
    let attempts = NonZeroU32::new(settings.attempts).unwrap_or(NonZeroU32::MIN);
    let layer = RetryLayer::new(judge as Judge)
        .backoff(backoff)
        .max_attempts(attempts);
    match settings.budget {
        true => layer.budget(tower_retry_backoff::Budget::default()),
        false => layer,
    }
}

/// The policy that tower leaves to its users.
#[derive(Clone)]
struct Attempts {
    left: u32,
    backoff: ExponentialBackoff,
    budget: Option<Arc<TpsBudget>>,
}

impl Attempts {
    fn new(settings: Settings) -> Self {
        let rng = HasherRng::default();
        let maker = ExponentialBackoffMaker::new(settings.base, settings.cap, 1.0, rng);
        Self {
            left: settings.attempts - 1,
            backoff: maker.expect("the base is not above the cap").make_backoff(),
            budget: settings.budget.then(Arc::default),
        }
    }
}

impl Policy<Request, (), Failed> for Attempts {
    type Future = <ExponentialBackoff as Backoff>::Future;

    fn retry(&mut self, _: &mut Request, result: &mut Result<(), Failed>) -> Option<Self::Future> {
        if result.is_ok() {
            if let Some(budget) = &self.budget {
                budget.deposit();
            }
            return None;
        }
        if self.left == 0
            || self
                .budget
                .as_ref()
                .is_some_and(|budget| !budget.withdraw())
        {
            return None;
        }
        self.left -= 1;
        Some(self.backoff.next_backoff())
    }

    fn clone_request(&mut self, request: &Request) -> Option<Request> {
        Some(request.clone())
    }
}
