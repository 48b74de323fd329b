use std::fmt;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// SHA-256 of a bearer token: what the database holds instead of the token.
///
/// A plain hash is enough because tokens are long and random; there is nothing to guess. `==`
/// takes the same time wherever two digests differ.
#[derive(Clone)]
pub struct TokenDigest([u8; 32]);

impl TokenDigest {
    /// The digest of a token.
    #[must_use]
    pub fn of(token: &[u8]) -> Self {
        Self(Sha256::digest(token).into())
    }

    /// A digest read back from a database; `None` unless it has 32 bytes.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// All 32 bytes, for storing.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The first 8 bytes: what to look up by, before comparing whole digests.
    #[must_use]
    pub fn prefix(&self) -> &[u8] {
        &self.0[..8]
    }
}

impl PartialEq for TokenDigest {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for TokenDigest {}

impl fmt::Debug for TokenDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenDigest(..)")
    }
}

/// A role in an organization; a later one includes the earlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Sees and uses agents.
    Member,
    /// Also manages integrations.
    Manager,
    /// Everything.
    Admin,
}

impl Role {
    /// The word of the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Member => "MEMBER",
            Self::Manager => "MANAGER",
            Self::Admin => "ADMIN",
        }
    }

    /// Reads the word of the wire.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Member, Self::Manager, Self::Admin]
            .into_iter()
            .find(|role| role.as_str().eq_ignore_ascii_case(word))
    }
}

/// Who a credential belongs to: a user, and the organizations it opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    user_id: i64,
    memberships: Vec<(i64, Role)>,
}

impl Principal {
    /// A user with the organizations and roles of a credential.
    #[must_use]
    pub fn new(user_id: i64, memberships: Vec<(i64, Role)>) -> Self {
        Self {
            user_id,
            memberships,
        }
    }

    /// The user.
    #[must_use]
    pub fn user_id(&self) -> i64 {
        self.user_id
    }

    /// The organizations the credential opens, with the user's role in each.
    #[must_use]
    pub fn memberships(&self) -> &[(i64, Role)] {
        &self.memberships
    }

    /// The right to act in one organization; `None` for a stranger.
    #[must_use]
    pub fn scope(&self, organization_id: i64) -> Option<OrgScope> {
        self.memberships
            .iter()
            .find(|(id, _)| *id == organization_id)
            .map(|&(_, role)| OrgScope {
                organization_id,
                user_id: self.user_id,
                role,
            })
    }
}

/// The right of one user to act in one organization. Only [`Principal::scope`] makes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrgScope {
    organization_id: i64,
    user_id: i64,
    role: Role,
}

impl OrgScope {
    /// The organization.
    #[must_use]
    pub fn organization_id(&self) -> i64 {
        self.organization_id
    }

    /// The user.
    #[must_use]
    pub fn user_id(&self) -> i64 {
        self.user_id
    }

    /// The user's role there.
    #[must_use]
    pub fn role(&self) -> Role {
        self.role
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stranger_gets_no_scope() {
        let principal = Principal::new(7, vec![(1, Role::Admin), (2, Role::Member)]);
        assert_eq!(principal.scope(2).unwrap().role(), Role::Member);
        assert_eq!(principal.scope(3), None);
    }

    #[test]
    fn digests_of_different_tokens_differ_and_never_print() {
        assert_eq!(TokenDigest::of(b"a"), TokenDigest::of(b"a"));
        assert_ne!(TokenDigest::of(b"a"), TokenDigest::of(b"b"));
        assert_eq!(format!("{:?}", TokenDigest::of(b"a")), "TokenDigest(..)");
    }
}
