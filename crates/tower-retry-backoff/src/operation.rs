use std::{sync::Arc, time::Duration};

use tokio::time::Instant;
use tower_service::Service;

use crate::{Policy, Retried, Stop, Upcoming, Verdict, layer::Settings, schedule::Draws};

/// A request that may be repeated, and how far it got.
pub(crate) struct Operation<S, P, R, T> {
    // Unready until polled; makes all attempts but the first.
    pub(crate) service: S,
    // Taken by the last permitted attempt.
    request: Option<R>,
    tag: T,
    settings: Arc<Settings<P>>,
    // Since when an attempt is waited for: most calls that are answered at once don't read the clock.
    began: Option<Instant>,
    // Attempts made, and being made.
    attempts: u32,
    stopped: Option<Stop>,
    waited: Duration,
    // Drawn from since the first failure.
    draws: Option<Draws>,
}

impl<S, P, R, T> Operation<S, P, R, T> {
    /// `attempts` have been made, or are being made.
    pub(crate) fn new(
        service: S,
        request: R,
        tag: T,
        attempts: u32,
        settings: Arc<Settings<P>>,
    ) -> Self {
        Self {
            service,
            request: Some(request),
            tag,
            settings,
            began: None,
            attempts,
            stopped: None,
            waited: Duration::ZERO,
            draws: None,
        }
    }

    /// To be called whenever an attempt is not answered at once.
    pub(crate) fn note_the_time(&mut self) {
        self.began.get_or_insert_with(Instant::now);
    }
}

impl<S, P, R> Operation<S, P, R, P::Tag>
where
    S: Service<R>,
    P: Policy<R, S::Response, S::Error>,
    R: Clone,
{
    /// The delay before another attempt, or `None` if `result` is the last one.
    #[inline]
    pub(crate) fn delay_after(
        &mut self,
        result: Result<&S::Response, &S::Error>,
    ) -> Option<Duration> {
        let settings = &*self.settings;
        match settings.policy.verdict(&self.tag, result) {
            Verdict::Retry { after, cost } => match self.schedule(after, cost.get()) {
                Ok(delay) => {
                    self.waited = self.waited.saturating_add(delay);
                    Some(delay)
                }
                Err(stop) => {
                    self.stopped = Some(stop);
                    self.settings.stats.call_gave_up(stop);
                    self.settings.metrics.call_gave_up(stop);
                    None
                }
            },
            Verdict::Done if self.attempts == 1 => {
                if let Some(budget) = &settings.budget {
                    budget.success();
                }
                None
            }
            Verdict::Done | Verdict::Forbid => None,
        }
    }

    // Off the path of a call that succeeds at once.
    #[cold]
    fn schedule(&mut self, hint: Option<Duration>, cost: u32) -> Result<Duration, Stop> {
        let settings = &*self.settings;
        let Some(request) = &self.request else {
            return Err(Stop::Attempts);
        };
        let now = Instant::now();
        let began = *self.began.get_or_insert(now);
        let own = settings.limits.deadline.saturating_sub(now - began);
        let room = match settings.policy.deadline(&self.tag) {
            Some(deadline) => own.min(deadline.saturating_duration_since(now)),
            None => own,
        };
        let draws = self
            .draws
            .get_or_insert_with(|| Draws::new(settings.seeds.draw()));
        let made = self.attempts;
        let delay = settings
            .limits
            .delay(made, room, hint, &settings.backoff, draws)?;
        if !settings.policy.repeatable(&self.tag, request) {
            return Err(Stop::Request);
        }
        // Last of all, so that what is not retried is not paid for.
        if let Some(budget) = &settings.budget
            && !budget.withdraw(cost, now)
        {
            return Err(Stop::Budget);
        }
        let upcoming = Upcoming { made, delay, room };
        settings.policy.upcoming(&mut self.tag, request, upcoming);
        Ok(delay)
    }

    pub(crate) fn start_attempt(&mut self) -> S::Future {
        self.attempts = self.attempts.saturating_add(1);
        let kept = match self.settings.limits.permit_after(self.attempts) {
            true => self.request.clone(),
            false => self.request.take(),
        };
        let Some(mut request) = kept else {
            unreachable!("`schedule` permits no attempt after the one that takes the request");
        };
        self.settings.stats.retry_started();
        self.settings.metrics.retry_started();
        self.settings
            .policy
            .prepare(&self.tag, &mut request, self.attempts);
        self.service.call(request)
    }

    pub(crate) fn finish(
        &mut self,
        mut result: Result<S::Response, S::Error>,
    ) -> Result<S::Response, S::Error> {
        let retried = Retried {
            attempts: self.attempts,
            waited: self.waited,
            stopped: self.stopped,
        };
        self.settings.policy.finish(&self.tag, &mut result, retried);
        result
    }
}
