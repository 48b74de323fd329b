use std::sync::Arc;

use crate::{Permissions, Role};

/// Who is calling: a user, the organizations it belongs to and its role in each, and what the
/// credential it came with is good for.
///
/// [`AuthenticateLayer`](crate::AuthenticateLayer) puts it among the extensions of the request, for
/// handlers, and of the response, for the logs of the layers outside. Clones share it.
///
/// `R` is the product's [`Role`].
#[derive(Debug)]
pub struct Principal<R> {
    shared: Arc<Shared<R>>,
}

#[derive(Debug)]
struct Shared<R> {
    user: Box<str>,
    memberships: Box<[Membership<R>]>,
    scopes: Permissions,
}

/// What a caller is in one organization.
///
/// [`RequireOrganization`](crate::RequireOrganization) puts that of the organization in question
/// among the extensions of the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership<R> {
    organization: Arc<str>,
    role: R,
    permissions: Permissions,
}

impl<R: Role> Principal<R> {
    /// The user, its organizations with its role in each, and the scopes of its credential.
    ///
    /// With [`Permissions::ALL`] the credential may do what the user may. Scopes only take away: a
    /// permission the role doesn't have can't be had through a scope. Of an organization that is
    /// given twice, the first counts.
    pub fn new<O>(
        user: impl Into<Box<str>>,
        organizations: impl IntoIterator<Item = (O, R)>,
        scopes: Permissions,
    ) -> Self
    where
        O: Into<Arc<str>>,
    {
        let memberships = organizations
            .into_iter()
            .map(|(organization, role)| Membership {
                organization: organization.into(),
                permissions: role.permissions() & scopes,
                role,
            })
            .collect();
        Self {
            shared: Arc::new(Shared {
                user: user.into(),
                memberships,
                scopes,
            }),
        }
    }
}

impl<R> Principal<R> {
    /// The user's id. In logs, call it `user`.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.shared.user
    }

    /// The organizations the user belongs to.
    #[must_use]
    pub fn memberships(&self) -> &[Membership<R>] {
        &self.shared.memberships
    }

    /// What the user is in `organization`. The ids are compared as they are written.
    #[must_use]
    pub fn membership(&self, organization: &str) -> Option<&Membership<R>> {
        self.memberships()
            .iter()
            .find(|membership| *membership.organization == *organization)
    }

    /// What the credential is good for.
    #[must_use]
    pub fn scopes(&self) -> Permissions {
        self.shared.scopes
    }
}

impl<R> Membership<R> {
    /// The organization's id. In logs, call it `organization`.
    #[must_use]
    pub fn organization(&self) -> &str {
        &self.organization
    }

    /// The role of the user. A credential with narrower scopes may do less: decide with
    /// [`may`](Self::may) and [`acts_as`](Self::acts_as).
    #[must_use]
    pub const fn role(&self) -> &R {
        &self.role
    }

    /// What both the role and the scopes of the credential allow.
    #[must_use]
    pub const fn permissions(&self) -> Permissions {
        self.permissions
    }

    /// Whether role and scopes allow it.
    #[must_use]
    pub const fn may(&self, permission: crate::Permission) -> bool {
        self.permissions.contains(permission)
    }
}

impl<R: Role> Membership<R> {
    /// Whether the caller has `role` or a higher one, with a credential whose scopes leave it all
    /// that `role` may do.
    #[must_use]
    pub fn acts_as(&self, role: &R) -> bool {
        self.role >= *role && self.permissions.contains_all(role.permissions())
    }
}

/// By hand, since sharing needs no `Clone` of the role.
impl<R> Clone for Principal<R> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}
