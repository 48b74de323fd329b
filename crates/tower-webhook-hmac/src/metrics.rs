//! What the metrics facade is told; nothing without the feature `metrics`.

#[cfg(feature = "metrics")]
pub(crate) use self::told::{accepted, not_committed, refused, replay};
#[cfg(not(feature = "metrics"))]
pub(crate) use self::untold::{accepted, not_committed, refused, replay};

#[cfg(feature = "metrics")]
mod told {
    use metrics::counter;

    use crate::{Rejection, Verified, replay::Replay};

    const REPLAYS: &str = "tower_webhook_hmac.replays";
    const NOT_COMMITTED: &str = "tower_webhook_hmac.not_committed";
    const REQUESTS: &str = "tower_webhook_hmac.requests";
    const OLD_SECRET: &str = "tower_webhook_hmac.old_secret";

    pub(crate) fn accepted(verified: &Verified) {
        let scheme = verified.scheme().to_owned();
        if verified.key_index() > 0 {
            counter!(OLD_SECRET, "scheme" => scheme.clone()).increment(1);
        }
        counter!(REQUESTS, "scheme" => scheme, "verdict" => "verified").increment(1);
    }

    pub(crate) fn refused(scheme: &str, rejection: Rejection) {
        let scheme = scheme.to_owned();
        counter!(REQUESTS, "scheme" => scheme, "verdict" => rejection.code()).increment(1);
    }

    pub(crate) fn replay(replay: Replay) {
        counter!(REPLAYS, "verdict" => replay.code()).increment(1);
    }

    pub(crate) fn not_committed() {
        counter!(NOT_COMMITTED).increment(1);
    }
}

#[cfg(not(feature = "metrics"))]
mod untold {
    use crate::{Rejection, Verified, replay::Replay};

    pub(crate) fn accepted(_: &Verified) {}

    pub(crate) fn refused(_: &str, _: Rejection) {}

    pub(crate) fn replay(_: Replay) {}

    pub(crate) fn not_committed() {}
}
