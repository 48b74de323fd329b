use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, header::CONTENT_LENGTH};
use tokio::time::Instant;

use super::{
    conditional,
    entry::{Entry, Kind, Stored},
    key::Key,
    outcome::{CacheOutcome, StaleReason},
    policy::{Reuse, Wants, has_validator},
    range::{self, Range},
    shared::Settings,
    store::Lookup,
    vary,
};
use crate::flight::Leader;

/// How often a request waits for an equal one before it goes alone: once for the resource, once
/// for the variant that turned out to be selected, and once more for bad luck.
const MOST_WAITS: u8 = 3;

/// A request that the store may answer or learn the answer to, on its way through both. What
/// comes back from the inner service is in [`learn`](super::learn).
#[derive(Debug)]
pub(crate) struct Ask {
    pub(super) key: Key,
    pub(super) wants: Wants,
    pub(super) part: Part,
    pub(super) settings: Arc<Settings>,
    /// The epoch of the first lookup; without one, nothing is stored.
    pub(super) epoch: Option<u64>,
    /// On what the stored responses vary, if they do.
    pub(super) index: Option<Entry>,
    /// The key of the variant that this is about, if the responses vary.
    pub(super) variant: Option<Key>,
    /// What is stored but cannot answer on its own.
    pub(super) stale: Option<Entry>,
    /// The inner service has been asked whether that still holds.
    pub(super) validating: bool,
    pub(super) leader: Option<Leader<Key>>,
    /// Set when the request leaves for the inner service.
    pub(super) sent: Option<Box<Sent>>,
    waits: u8,
}

/// How much of the response is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Whole,
    Head,
    Range(Range),
}

#[derive(Debug)]
pub(super) struct Sent {
    pub(super) at: Instant,
    /// As the client sent them: what a `Vary` of the response may name, and its preconditions.
    pub(super) headers: HeaderMap,
}

/// What a lookup leads to.
pub(crate) enum Step {
    Answer(Response<Bytes>, CacheOutcome),
    /// Answer, and have the stored response validated meanwhile.
    Refresh(Response<Bytes>),
    /// Look up the variant next.
    Select,
    Fetch,
    /// Nothing can answer, and nobody may be asked.
    Unavailable,
}

impl Ask {
    #[inline]
    pub(crate) fn new<B>(
        key: Key,
        wants: Wants,
        request: &Request<B>,
        settings: Arc<Settings>,
    ) -> Self {
        let range = if wants.plain {
            None
        } else {
            range::of_request(request.headers())
        };
        let part = match range {
            _ if request.method() == Method::HEAD => Part::Head,
            Some(range) => Part::Range(range),
            None => Part::Whole,
        };
        Self {
            key,
            variant: None,
            wants,
            part,
            settings,
            epoch: None,
            index: None,
            stale: None,
            validating: false,
            leader: None,
            sent: None,
            waits: 0,
        }
    }

    /// Where the answer is, or will be: the key or that of a variant.
    pub(crate) const fn target(&self) -> &Key {
        match &self.variant {
            Some(variant) => variant,
            None => &self.key,
        }
    }

    /// `refreshes` tells whether anybody validates what answers stale.
    pub(crate) fn found(
        &mut self,
        lookup: Lookup,
        request: &HeaderMap,
        now: Instant,
        refreshes: bool,
    ) -> Step {
        let first = self.epoch.is_none();
        self.epoch.get_or_insert(lookup.epoch);
        let Some(entry) = lookup.entry else {
            return self.missed();
        };
        match entry.kind() {
            Kind::Vary(index) if first => {
                let selection = vary::selection(&self.settings, &index.names, request);
                self.variant = Some(self.key.variant(&selection));
                let stored = index.variants.contains(&selection);
                self.index = Some(entry);
                if stored { Step::Select } else { self.missed() }
            }
            Kind::Vary(_) => self.missed(),
            Kind::Response(stored) => {
                let reuse = stored.head.terms.reuse(&self.wants, stored.resident(now));
                let step = match reuse {
                    Reuse::Fresh => {
                        let outcome = match self.waits {
                            0 => CacheOutcome::Hit,
                            _ => CacheOutcome::Coalesced,
                        };
                        self.answer(stored, request, now)
                            .map(|answer| Step::Answer(answer, outcome))
                    }
                    Reuse::MaxStale => {
                        let outcome = CacheOutcome::Stale(StaleReason::MaxStale);
                        self.answer(stored, request, now)
                            .map(|answer| Step::Answer(answer, outcome))
                    }
                    Reuse::WhileRevalidate if refreshes => {
                        self.answer(stored, request, now).map(Step::Refresh)
                    }
                    Reuse::WhileRevalidate | Reuse::Validate => None,
                    Reuse::No => return self.missed(),
                };
                if !matches!(step, Some(Step::Answer(..))) {
                    self.stale = Some(entry);
                }
                step.unwrap_or_else(|| self.missed())
            }
        }
    }

    const fn missed(&self) -> Step {
        if self.wants.only_if_cached {
            Step::Unavailable
        } else {
            Step::Fetch
        }
    }

    /// The stored response as this request wants it. `None` where it wants a part that the
    /// response does not have: that is for the inner service to refuse.
    pub(super) fn answer(
        &self,
        stored: &Stored,
        request: &HeaderMap,
        now: Instant,
    ) -> Option<Response<Bytes>> {
        let headers = &stored.head.headers;
        // RFC 9110 section 13.2.1: preconditions are about successful responses.
        if !self.wants.plain
            && stored.head.status.is_success()
            && conditional::is_not_modified(request, headers)
        {
            return Some(stored.to_304(now));
        }
        match self.part {
            Part::Range(range)
                if stored.head.status == StatusCode::OK && range::is_of_same(request, headers) =>
            {
                stored.to_206(now, range)
            }
            Part::Head => {
                let mut response = stored.to_response(now);
                let length = std::mem::take(response.body_mut()).len();
                let headers = response.headers_mut();
                headers.entry(CONTENT_LENGTH).or_insert(length.into());
                Some(response)
            }
            Part::Whole | Part::Range(_) => Some(stored.to_response(now)),
        }
    }

    /// RFC 5861 section 4: the stored response, if it may answer for an inner service that failed.
    pub(crate) fn instead_of_error(
        &self,
        request: &HeaderMap,
        now: Instant,
    ) -> Option<Response<Bytes>> {
        let stored = self.stale.as_ref()?.stored()?;
        let allowed = stored
            .head
            .terms
            .on_error(&self.wants, stored.resident(now));
        allowed.then(|| self.answer(stored, request, now)).flatten()
    }

    /// The same, when the inner service has returned an error; the request is at hand unless it
    /// has left.
    pub(crate) fn failed(
        &mut self,
        request: Option<&HeaderMap>,
        now: Instant,
    ) -> Option<Response<Bytes>> {
        if let Some(leader) = self.leader.take() {
            leader.fail();
        }
        let sent = self.sent.as_ref().map(|sent| &sent.headers);
        self.instead_of_error(request.or(sent)?, now)
    }

    /// Whether the answer may do for equal requests and theirs for this one. Whoever wants more
    /// than the cache would give of its own accord goes alone.
    pub(crate) fn may_share(&self, request: &HeaderMap) -> bool {
        !self.settings.coalesce.is_zero()
            && self.epoch.is_some()
            && self.part == Part::Whole
            && self.wants.nothing_special()
            && self.waits < MOST_WAITS
            // The answer to a precondition that is passed on may be a 304, which is of no use to
            // others.
            && (self.validator().is_some() || !conditional::is_conditional(request))
    }

    /// Starts over, after an equal request has been answered.
    pub(crate) fn look_again(&mut self) {
        self.waits += 1;
        self.epoch = None;
        self.index = None;
        self.stale = None;
        self.variant = None;
    }

    /// From here on, waiting is over.
    pub(crate) const fn go_alone(&mut self) {
        self.waits = MOST_WAITS;
    }

    pub(crate) fn lead(&mut self, leader: Leader<Key>) {
        self.leader = Some(leader);
    }

    /// After a failure of the store: without the epoch there is no telling what is out of date.
    pub(crate) const fn forgo_storing(&mut self) {
        self.epoch = None;
    }

    /// Makes this the validation of what is stored, whatever its client asked for.
    pub(crate) fn refresh<B>(
        mut self,
        mut request: Request<B>,
        leader: Leader<Key>,
    ) -> (Self, Request<B>) {
        conditional::ask_for_all(request.headers_mut());
        *request.method_mut() = Method::GET;
        self.part = Part::Whole;
        self.leader = Some(leader);
        (self, request)
    }

    /// The request leaves: with a question about what is stored, if there is something to ask.
    pub(crate) fn leaves(&mut self, request: &mut HeaderMap, now: Instant) {
        if self.epoch.is_none() {
            return;
        }
        let headers = request.clone();
        if let Some(stored) = self.validator() {
            conditional::ask_whether_valid(request, &stored.head.headers);
            self.validating = true;
        }
        self.sent = Some(Box::new(Sent { at: now, headers }));
    }

    /// What is stored, if the inner service can be asked whether it still holds.
    fn validator(&self) -> Option<&Stored> {
        let stored = self.stale.as_ref()?.stored()?;
        (self.part == Part::Whole && has_validator(&stored.head.headers)).then_some(stored)
    }

    /// Why the request goes on, in the words of RFC 9211 section 2.2.
    pub(crate) const fn forward_reason(&self) -> &'static str {
        if self.wants.nothing_special() {
            if self.stale.is_some() {
                "stale"
            } else if self.index.is_some() {
                "vary-miss"
            } else {
                "uri-miss"
            }
        } else {
            "request"
        }
    }
}
