use http::Request;
use http_body::Body;
use tokio::time::Instant;

use super::ReplayBody;
use crate::{Policy, Retried, Upcoming, Verdict};

/// The policy `P` for requests with a [`ReplayBody`]: repeats them as long as their body can be sent
/// again, and a body known to be over its limit never, without keeping any of it.
#[derive(Debug, Clone, Copy)]
pub struct Replaying<P> {
    policy: P,
}

impl<P> Replaying<P> {
    /// Everything but the body is judged by `policy`.
    pub const fn new(policy: P) -> Self {
        Self { policy }
    }
}

impl<P, B, Res, E> Policy<Request<ReplayBody<B>>, Res, E> for Replaying<P>
where
    P: Policy<Request<ReplayBody<B>>, Res, E>,
    B: Body + Unpin,
{
    type Tag = P::Tag;

    fn tag(&self, request: &Request<ReplayBody<B>>) -> Option<P::Tag> {
        let fits = request.body().fits();
        fits.then(|| self.policy.tag(request)).flatten()
    }

    fn verdict(&self, tag: &P::Tag, result: Result<&Res, &E>) -> Verdict {
        self.policy.verdict(tag, result)
    }

    fn deadline(&self, tag: &P::Tag) -> Option<Instant> {
        self.policy.deadline(tag)
    }

    fn repeatable(&self, tag: &P::Tag, request: &Request<ReplayBody<B>>) -> bool {
        request.body().is_replayable() && self.policy.repeatable(tag, request)
    }

    fn upcoming(&self, tag: &mut P::Tag, request: &Request<ReplayBody<B>>, upcoming: Upcoming) {
        // The attempt before may still read, and would read more than can be kept.
        request.body().supersede();
        self.policy.upcoming(tag, request, upcoming);
    }

    fn prepare(&self, tag: &P::Tag, request: &mut Request<ReplayBody<B>>, attempt: u32) {
        self.policy.prepare(tag, request, attempt);
    }

    fn finish(&self, tag: &P::Tag, result: &mut Result<Res, E>, retried: Retried) {
        self.policy.finish(tag, result, retried);
    }
}
