//! What the metrics facade is told; nothing without the feature `metrics`.

#[cfg(feature = "metrics")]
pub(crate) use self::told::{cache, refused};
#[cfg(not(feature = "metrics"))]
pub(crate) use self::untold::{cache, refused};

#[cfg(feature = "metrics")]
mod told {
    use metrics::counter;

    use crate::Rejection;

    pub(crate) fn refused(rejection: &Rejection) {
        counter!("tower_access_control.refused", "code" => rejection.code()).increment(1);
    }

    pub(crate) fn cache(hit: bool) {
        let outcome = if hit { "hit" } else { "miss" };
        counter!("tower_access_control.cache", "outcome" => outcome).increment(1);
    }
}

#[cfg(not(feature = "metrics"))]
mod untold {
    use crate::Rejection;

    pub(crate) fn refused(_: &Rejection) {}

    pub(crate) fn cache(_: bool) {}
}
