//! The documented rate limits: which bucket a request pays into, and how large it is.

use std::time::Duration;

use axum::extract::MatchedPath;
use http::{Method, Request};
use tower_sliding_window::{Quota, QuotaError};

use super::{extract::path_integer, principal::Principal};

/// A kind of request with its own limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Tier {
    /// Everything without a limit of its own: 60 per 30 s.
    Standard,
    /// Starting a run: 10 per minute.
    Creation,
    /// Reading a run's log: 60 per minute.
    Logs,
}

/// One bucket: an organization (if the path names one of the caller's), a user, a tier.
///
/// An organization the caller is no member of does not get a bucket, or every made-up id would
/// come with a fresh quota.
pub(crate) type BucketKey = (Option<i64>, i64, Tier);

pub(crate) fn bucket<B>(request: &Request<B>) -> Option<BucketKey> {
    let principal = request.extensions().get::<Principal>()?;
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("", MatchedPath::as_str);
    // The same reading of the path as the permission's, or another spelling of an id would be
    // another bucket.
    let organization = path_integer(request.uri(), request.extensions(), "org_id")
        .filter(|id| principal.scope(*id).is_some());
    Some((
        organization,
        principal.user_id(),
        tier(request.method(), route),
    ))
}

fn tier(method: &Method, route: &str) -> Tier {
    if *method == Method::POST && route.ends_with("/agent/run") {
        Tier::Creation
    } else if route.ends_with("/logs") {
        Tier::Logs
    } else {
        Tier::Standard
    }
}

/// The quota of each tier.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Quotas {
    standard: Quota,
    creation: Quota,
    logs: Quota,
}

impl Quotas {
    pub(crate) fn documented() -> Result<Self, QuotaError> {
        Ok(Self {
            standard: Quota::new(60, Duration::from_secs(30))?,
            creation: Quota::new(10, Duration::from_secs(60))?,
            logs: Quota::new(60, Duration::from_secs(60))?,
        })
    }

    pub(crate) fn of(&self, key: &BucketKey) -> Quota {
        match key.2 {
            Tier::Standard => self.standard,
            Tier::Creation => self.creation,
            Tier::Logs => self.logs,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_operation_pays_into_its_tier() {
        let run = "/v1/organizations/{org_id}/agent/run";
        assert_eq!(tier(&Method::POST, run), Tier::Creation);
        assert_eq!(tier(&Method::GET, run), Tier::Standard);
        assert_eq!(
            tier(&Method::POST, &format!("{run}/resume")),
            Tier::Standard
        );
        assert_eq!(
            tier(&Method::GET, &format!("{run}/{{agent_run_id}}/logs")),
            Tier::Logs
        );
    }
}
