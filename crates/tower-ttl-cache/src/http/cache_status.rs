//! `Cache-Status` (RFC 9211): what the cache did, for whoever reads the response.

use http::{HeaderName, HeaderValue, Response, StatusCode};

use super::{
    outcome::{BypassReason, CacheOutcome},
    shared::Settings,
};

const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");

/// Whether and why the inner service was asked.
#[derive(Clone, Copy)]
pub(crate) struct Forwarded(Option<Reason>);

#[derive(Clone, Copy)]
struct Reason {
    why: &'static str,
    status: StatusCode,
    stored: bool,
}

impl Forwarded {
    pub(crate) const fn no() -> Self {
        Self(None)
    }

    pub(crate) const fn because(why: &'static str, status: StatusCode, stored: bool) -> Self {
        Self(Some(Reason {
            why,
            status,
            stored,
        }))
    }

    /// Of a request that went past the store.
    pub(crate) const fn past(outcome: &CacheOutcome, status: StatusCode) -> Self {
        let why = match outcome {
            CacheOutcome::Bypass(BypassReason::Method) => "method",
            _ => "bypass",
        };
        Self::because(why, status, false)
    }
}

impl Settings {
    /// The response, telling what was done.
    pub(crate) fn told<B>(
        &self,
        mut response: Response<B>,
        outcome: CacheOutcome,
        forwarded: Forwarded,
    ) -> Response<B> {
        if let Some(name) = &self.cache_status
            && let Ok(member) = HeaderValue::from_bytes(&member(name, outcome, forwarded))
        {
            // The cache nearest to the client is the last of the list.
            response.headers_mut().append(CACHE_STATUS, member);
        }
        response.extensions_mut().insert(outcome);
        response
    }
}

fn member(name: &HeaderValue, outcome: CacheOutcome, forwarded: Forwarded) -> Vec<u8> {
    let mut member = name.as_bytes().to_vec();
    match forwarded.0 {
        None if outcome == CacheOutcome::Coalesced => {
            member.extend_from_slice(b"; fwd=miss; collapsed");
        }
        None if outcome == CacheOutcome::Unavailable => {
            member.extend_from_slice(b"; detail=only-if-cached");
        }
        None => member.extend_from_slice(b"; hit"),
        Some(Reason {
            why,
            status,
            stored,
        }) => {
            let status = status.as_u16();
            member.extend_from_slice(format!("; fwd={why}; fwd-status={status}").as_bytes());
            if stored {
                member.extend_from_slice(b"; stored");
            }
        }
    }
    member
}
