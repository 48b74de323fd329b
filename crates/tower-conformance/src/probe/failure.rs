use std::fmt;

/// The error a [`Probe`](crate::Probe) or a [`ProbeBody`](crate::ProbeBody) fails with when told to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failure;

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the probe failed as it was told to")
    }
}

impl std::error::Error for Failure {}
