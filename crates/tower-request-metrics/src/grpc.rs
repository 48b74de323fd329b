//! The status of a gRPC call, which comes in the trailers of an answer that is always a 200.

use http::{HeaderMap, header::CONTENT_TYPE};

/// Number and name of each.
const CODES: [(&str, &str); 17] = [
    ("0", "OK"),
    ("1", "CANCELLED"),
    ("2", "UNKNOWN"),
    ("3", "INVALID_ARGUMENT"),
    ("4", "DEADLINE_EXCEEDED"),
    ("5", "NOT_FOUND"),
    ("6", "ALREADY_EXISTS"),
    ("7", "PERMISSION_DENIED"),
    ("8", "RESOURCE_EXHAUSTED"),
    ("9", "FAILED_PRECONDITION"),
    ("10", "ABORTED"),
    ("11", "OUT_OF_RANGE"),
    ("12", "UNIMPLEMENTED"),
    ("13", "INTERNAL"),
    ("14", "UNAVAILABLE"),
    ("15", "DATA_LOSS"),
    ("16", "UNAUTHENTICATED"),
];

/// A status: an index of [`CODES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Code(usize);

impl Code {
    pub(crate) const OK: Self = Self(0);
    pub(crate) const UNKNOWN: Self = Self(2);

    /// The status in these headers or trailers. One that does not exist is `UNKNOWN`, as the
    /// protocol demands.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let status = headers.get("grpc-status")?.as_bytes();
        let known = CODES
            .iter()
            .position(|(number, _)| number.as_bytes() == status);
        Some(known.map_or(Self::UNKNOWN, Self))
    }

    pub(crate) fn number(self) -> &'static str {
        CODES[self.0].0
    }

    pub(crate) fn name(self) -> &'static str {
        CODES[self.0].1
    }

    /// Whether the OpenTelemetry conventions count it as a fault of the server.
    pub(crate) fn is_server_error(self) -> bool {
        matches!(self.0, 2 | 4 | 12..=15)
    }
}

pub(crate) fn is_grpc(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).map(|value| value.as_bytes());
    // `application/grpc-web` carries its trailers in the body.
    matches!(
        kind.and_then(|kind| kind.strip_prefix(b"application/grpc")),
        Some([] | [b'+' | b';', ..])
    )
}
