//! What the metrics facade is told; nothing without the feature `metrics`.

#[cfg(feature = "metrics")]
pub(crate) use self::told::{accepted, refused};
#[cfg(not(feature = "metrics"))]
pub(crate) use self::untold::{accepted, refused};

#[cfg(feature = "metrics")]
mod told {
    use metrics::counter;

    use crate::{Rejection, Verified};

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
}

#[cfg(not(feature = "metrics"))]
mod untold {
    use crate::{Rejection, Verified};

    pub(crate) fn accepted(_: &Verified) {}

    pub(crate) fn refused(_: &str, _: Rejection) {}
}
