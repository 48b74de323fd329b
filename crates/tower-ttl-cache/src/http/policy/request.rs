use std::time::Duration;

use http::{
    HeaderMap, HeaderName, Method, Request,
    header::{
        AUTHORIZATION, CACHE_CONTROL, CONTENT_LENGTH, COOKIE, IF_MATCH, IF_MODIFIED_SINCE,
        IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE, RANGE, TRANSFER_ENCODING, UPGRADE,
    },
};

use super::Policy;
use crate::http::{
    credential::Credential,
    directives::Directives,
    outcome::{BypassReason, CacheOverride, Override},
    range,
};

/// What to do with a request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Plan {
    Bypass(BypassReason),
    /// Pass it on, and forget what is stored for its URI if it succeeds.
    Invalidate,
    Lookup(Wants),
}

/// The headers that make a request any other than a plain one. What is read of a request by the
/// [plan](Policy::plan), and by what acts on it, must be among them.
static CONCERNING: [HeaderName; 12] = [
    AUTHORIZATION,
    CACHE_CONTROL,
    CONTENT_LENGTH,
    COOKIE,
    IF_MATCH,
    IF_MODIFIED_SINCE,
    IF_NONE_MATCH,
    IF_RANGE,
    IF_UNMODIFIED_SINCE,
    RANGE,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// What a request asks of a stored response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wants {
    /// Nothing but the whole, for anybody: it has none of the headers that concern a cache. Looking
    /// for each of them costs more than all the rest of a hit.
    pub(crate) plain: bool,
    /// Nothing stored will do unless the inner service says so.
    pub(super) validated: bool,
    /// An age of nothing is asked for: how browsers say reload.
    pub(super) reloaded: bool,
    pub(super) max_age: Option<Duration>,
    pub(super) min_fresh: Option<Duration>,
    pub(super) max_stale: Option<Duration>,
    pub(crate) credential: Credential,
    pub(super) default_ttl: Option<Duration>,
    /// The inner service is not to be asked.
    pub(crate) only_if_cached: bool,
}

impl Wants {
    /// Whether the request takes what a cache has of its own accord.
    pub(crate) const fn nothing_special(&self) -> bool {
        !self.validated && !self.reloaded && self.max_age.is_none() && self.min_fresh.is_none()
    }
}

impl Policy {
    pub(crate) fn plan<B>(&self, request: &Request<B>) -> Plan {
        let headers = request.headers();
        let wish = request.extensions().get::<CacheOverride>();
        let wish = wish.map(|wish| wish.kind);
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            // RFC 9111 section 4.4. CONNECT and methods nobody knows are unsafe too.
            return if request.method().is_safe() {
                Plan::Bypass(BypassReason::Method)
            } else {
                Plan::Invalidate
            };
        }
        if let Some(Override::Bypass) = wish {
            return Plan::Bypass(BypassReason::Override);
        }
        let plain = !headers.keys().any(|name| CONCERNING.contains(name));
        if !plain && let Some(reason) = bypass_reason(headers) {
            return Plan::Bypass(reason);
        }
        let directives = if plain {
            Directives::default()
        } else {
            self.directives(headers)
        };
        if directives.no_store {
            return Plan::Bypass(BypassReason::NoStore);
        }
        let credential = Credential::of(request.uri(), (!plain).then_some(headers));
        Plan::Lookup(Wants {
            plain,
            validated: directives.no_cache || !directives.no_cache_fields.is_empty(),
            reloaded: directives.max_age == Some(Duration::ZERO),
            max_age: directives.max_age,
            min_fresh: directives.min_fresh,
            max_stale: directives.max_stale,
            credential,
            default_ttl: match wish {
                Some(Override::DefaultTtl(ttl)) => Some(ttl),
                _ => self.default_ttl,
            }
            .filter(|ttl| !ttl.is_zero()),
            only_if_cached: directives.only_if_cached,
        })
    }

    fn directives(&self, headers: &HeaderMap) -> Directives {
        if self.heeds_requests {
            Directives::of(headers)
        } else {
            Directives::default()
        }
    }
}

fn bypass_reason(headers: &HeaderMap) -> Option<BypassReason> {
    if headers.contains_key(RANGE) && range::of_request(headers).is_none() {
        Some(BypassReason::Range)
    } else if headers.contains_key(IF_MATCH) || headers.contains_key(IF_UNMODIFIED_SINCE) {
        Some(BypassReason::Conditional)
    } else if headers.contains_key(UPGRADE) {
        Some(BypassReason::Upgrade)
    } else if headers.contains_key(TRANSFER_ENCODING)
        || headers
            .get(CONTENT_LENGTH)
            .is_some_and(|value| value != "0")
    {
        Some(BypassReason::Content)
    } else {
        None
    }
}
