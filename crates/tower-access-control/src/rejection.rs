use std::{error, fmt, sync::Arc};

use http::StatusCode;

/// Why a request was refused. The layers put it among the extensions of their answer, for the
/// server to render, count or log.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Rejection {
    /// The request carries no credential. 401, `missing_credential`.
    MissingCredential,
    /// The request carries several: a header twice, or two kinds (RFC 6750 section 2 forbids it).
    /// 400, `repeated_credential`.
    RepeatedCredential,
    /// The credential isn't good. 401, with the code of the [`Flaw`].
    InvalidCredential(Flaw),
    /// Whether the credential is good can't be told now. 503, `credentials_unavailable`.
    Unavailable(Unavailable),
    /// Nobody has been authenticated before the policy was asked. 403, `no_principal`.
    NoPrincipal,
    /// The request names no organization, or no policy before this one has looked for it. 403,
    /// `no_organization`.
    NoOrganization,
    /// The caller isn't in the organization, or there is none of that name. 403, `not_a_member`.
    NotAMember,
    /// The caller's role is lower, or its credential doesn't reach as far. 403, `role_too_low`.
    RoleTooLow,
    /// The caller's role doesn't have the permission, or its credential is not scoped for it. 403,
    /// `permission_missing`.
    PermissionMissing,
    /// The client's address can't be told. 403, `address_unknown`.
    AddressUnknown,
    /// The client's address is on the deny list, or not on the allow list. 403,
    /// `address_refused`.
    AddressRefused,
}

impl Rejection {
    /// The store or key source failed with `source`.
    pub fn unavailable(source: impl Into<Box<dyn error::Error + Send + Sync>>) -> Self {
        Self::Unavailable(Unavailable::new(source))
    }

    /// A short stable name, for logs, metrics and problem documents.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::MissingCredential => "missing_credential",
            Self::RepeatedCredential => "repeated_credential",
            Self::InvalidCredential(flaw) => flaw.code(),
            Self::Unavailable(_) => "credentials_unavailable",
            Self::NoPrincipal => "no_principal",
            Self::NoOrganization => "no_organization",
            Self::NotAMember => "not_a_member",
            Self::RoleTooLow => "role_too_low",
            Self::PermissionMissing => "permission_missing",
            Self::AddressUnknown => "address_unknown",
            Self::AddressRefused => "address_refused",
        }
    }

    /// The status to answer with: 400, 401, 403 or 503.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::MissingCredential | Self::InvalidCredential(_) => StatusCode::UNAUTHORIZED,
            Self::RepeatedCredential => StatusCode::BAD_REQUEST,
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::FORBIDDEN,
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MissingCredential => "the request carries no credential",
            Self::RepeatedCredential => "the request carries more than one credential",
            Self::InvalidCredential(flaw) => return flaw.fmt(f),
            Self::Unavailable(unavailable) => return unavailable.fmt(f),
            Self::NoPrincipal => "nobody has been authenticated",
            Self::NoOrganization => "the request names no organization",
            Self::NotAMember => "the caller is not in the organization",
            Self::RoleTooLow => "the caller's role is too low",
            Self::PermissionMissing => "the caller lacks the permission",
            Self::AddressUnknown => "the client's address is unknown",
            Self::AddressRefused => "the client's address is refused",
        })
    }
}

impl error::Error for Rejection {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Unavailable(unavailable) => unavailable.source(),
            _ => None,
        }
    }
}

/// What is wrong with a credential.
///
/// For logs: a peer that is told more than "not valid" or "expired" learns what to try next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Flaw {
    /// Not written as credentials of its kind are. `malformed_credential`.
    Malformed,
    /// Not one we have given out. `unknown_credential`.
    Unknown,
    /// Its time is over. `expired_credential`.
    Expired,
    /// Its time has not come. `premature_credential`.
    Premature,
    /// Larger than the limit. `oversized_credential`.
    Oversized,
    /// Names an algorithm that isn't the one of its key. `wrong_algorithm`.
    Algorithm,
    /// Names a key that isn't known. `unknown_key`.
    Key,
    /// The signature isn't right. `wrong_signature`.
    Signature,
    /// A header parameter that must be understood isn't. `unknown_critical`.
    Critical,
    /// A token of another type. `wrong_type`.
    Type,
    /// Issued by somebody else. `wrong_issuer`.
    Issuer,
    /// Meant for somebody else. `wrong_audience`.
    Audience,
    /// Its claims describe nobody. `no_such_principal`.
    Principal,
}

impl Flaw {
    /// A short stable name.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Malformed => "malformed_credential",
            Self::Unknown => "unknown_credential",
            Self::Expired => "expired_credential",
            Self::Premature => "premature_credential",
            Self::Oversized => "oversized_credential",
            Self::Algorithm => "wrong_algorithm",
            Self::Key => "unknown_key",
            Self::Signature => "wrong_signature",
            Self::Critical => "unknown_critical",
            Self::Type => "wrong_type",
            Self::Issuer => "wrong_issuer",
            Self::Audience => "wrong_audience",
            Self::Principal => "no_such_principal",
        }
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "the credential is malformed",
            Self::Unknown => "the credential is unknown",
            Self::Expired => "the credential has expired",
            Self::Premature => "the credential is not valid yet",
            Self::Oversized => "the credential is too large",
            Self::Algorithm => "the token names another algorithm than its key's",
            Self::Key => "the token names an unknown key",
            Self::Signature => "the token's signature is wrong",
            Self::Critical => "the token asks for what is not understood",
            Self::Type => "the token is of another type",
            Self::Issuer => "the token has another issuer",
            Self::Audience => "the token is for another audience",
            Self::Principal => "the token's claims describe nobody",
        })
    }
}

impl error::Error for Flaw {}

/// A store, or a source of keys, that is away. What it said is the
/// [`source`](error::Error::source).
#[derive(Debug, Clone)]
pub struct Unavailable {
    // The one place where an error is erased: it travels in the extensions of a response, which
    // know no type parameter.
    source: Arc<dyn error::Error + Send + Sync>,
}

impl Unavailable {
    /// Failed with `source`.
    pub fn new(source: impl Into<Box<dyn error::Error + Send + Sync>>) -> Self {
        Self {
            source: Arc::from(source.into()),
        }
    }
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("credentials can't be checked at the moment")
    }
}

impl error::Error for Unavailable {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        Some(&*self.source)
    }
}
