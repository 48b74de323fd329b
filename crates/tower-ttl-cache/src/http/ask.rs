use std::{sync::Arc, time::SystemTime};

use bytes::Bytes;
use http::{HeaderMap, Response, header::CONTENT_LENGTH};
use http_body::Body;
use tokio::time::Instant;

use super::{
    body::CacheBody,
    entry::{Entry, Head, Kind},
    fill::Fill,
    key::Key,
    policy::{Arrival, Policy, Wants},
    seed::Seed,
    shared::Shared,
    store::{Lookup, Store},
    vary,
};

/// A request that the store may answer or learn the answer to, on its way through both.
#[derive(Debug)]
pub(crate) struct Ask {
    key: Key,
    wants: Wants,
    policy: Policy,
    /// The epoch of the first lookup; without one, nothing is stored.
    epoch: Option<u64>,
    /// Set when the request leaves for the inner service.
    sent: Option<Box<Sent>>,
}

#[derive(Debug)]
struct Sent {
    at: Instant,
    /// What a `Vary` of the response may name.
    headers: HeaderMap,
}

/// What a lookup leads to.
pub(crate) enum Step {
    Answer(Response<Bytes>),
    /// Look up the variant next.
    Select(Key),
    Fetch,
}

impl Ask {
    pub(crate) const fn new(key: Key, wants: Wants, policy: Policy) -> Self {
        Self {
            key,
            wants,
            policy,
            epoch: None,
            sent: None,
        }
    }

    pub(crate) const fn key(&self) -> &Key {
        &self.key
    }

    pub(crate) fn found(
        &mut self,
        lookup: &Lookup,
        request: &HeaderMap,
        seed: &Seed,
        now: Instant,
    ) -> Step {
        let first = self.epoch.is_none();
        self.epoch.get_or_insert(lookup.epoch);
        match lookup.entry.as_ref().map(Entry::kind) {
            Some(Kind::Response(stored)) => {
                let resident = now.saturating_duration_since(stored.head.received);
                if stored.head.terms.answer(&self.wants, resident) {
                    Step::Answer(stored.to_response(now))
                } else {
                    Step::Fetch
                }
            }
            Some(Kind::Vary(names)) if first => {
                Step::Select(self.key.variant(&vary::digest(seed, names, request)))
            }
            Some(Kind::Vary(_)) | None => Step::Fetch,
        }
    }

    /// After a failure of the store: without the epoch there is no telling what is out of date.
    pub(crate) const fn forgo_storing(&mut self) {
        self.epoch = None;
    }

    pub(crate) fn sent(&mut self, request: &HeaderMap, now: Instant) {
        if self.epoch.is_some() {
            self.sent = Some(Box::new(Sent {
                at: now,
                headers: request.clone(),
            }));
        }
    }

    /// Has the response collected for the store if it may be stored, and passes it on either way.
    pub(crate) fn received<B, St>(
        &mut self,
        shared: &Arc<Shared<St>>,
        response: Response<B>,
        now: Instant,
        wall: SystemTime,
    ) -> Response<CacheBody<B, St>>
    where
        B: Body,
        St: Store,
    {
        match self.fill(shared, &response, now, wall) {
            Some(fill) => response.map(|body| CacheBody::collected(body, fill)),
            None => response.map(CacheBody::passing),
        }
    }

    fn fill<B, St>(
        &mut self,
        shared: &Arc<Shared<St>>,
        response: &Response<B>,
        now: Instant,
        wall: SystemTime,
    ) -> Option<Fill<St>>
    where
        B: Body,
    {
        let epoch = self.epoch?;
        let sent = self.sent.take()?;
        let headers = response.headers();
        let delay = now.saturating_duration_since(sent.at);
        let arrival = Arrival { wall, delay };
        let terms = self
            .policy
            .terms(&self.wants, response.status(), headers, arrival)?;
        let vary = vary::names(headers)?;
        let declared = declared_length(headers, response.body())?;
        let limit = self.policy.max_object_bytes;
        if declared.is_some_and(|length| length > limit as u64) {
            shared.counters.refused.add_one();
            return None;
        }

        let head = Head::of(response, terms, now, wall);
        let mut fill = Fill::new(Arc::clone(shared), self.key.clone(), epoch, head, limit);
        fill.declared = declared;
        if !vary.is_empty() {
            fill.key = self
                .key
                .variant(&vary::digest(&shared.seed, &vary, &sent.headers));
            fill.index = Some((self.key.clone(), Entry::vary(vary)));
        }
        Some(fill)
    }
}

/// The length a response announces, by its header or else by its body. `None` where the header
/// cannot be believed: such a response is not stored.
fn declared_length<B: Body>(headers: &HeaderMap, body: &B) -> Option<Option<u64>> {
    let mut lines = headers.get_all(CONTENT_LENGTH).iter();
    let Some(line) = lines.next() else {
        return Some(body.size_hint().exact());
    };
    if lines.next().is_some() {
        return None;
    }
    let digits = line.to_str().ok()?;
    // `parse` would take a sign.
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok().map(Some)
}
