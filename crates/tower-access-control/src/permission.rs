use std::{
    fmt,
    ops::{BitAnd, BitOr},
};

/// One thing a caller may or may not do. What it is, the product says:
///
/// ```
/// use tower_access_control::Permission;
///
/// const READ_RUNS: Permission = Permission::new::<0>();
/// const START_RUNS: Permission = Permission::new::<1>();
/// # let _ = (READ_RUNS, START_RUNS);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Permission(u8);

impl Permission {
    /// Number `N`, from 0 to 63. Anything else does not compile.
    #[must_use]
    pub const fn new<const N: u8>() -> Self {
        const { assert!(N < 64, "permissions are numbered from 0 to 63") };
        Self(N)
    }
}

/// A set of [`Permission`]s. Copied, not allocated.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Permissions(u64);

impl Permissions {
    /// None.
    pub const NONE: Self = Self(0);
    /// All there can be. As the scopes of a credential: whatever the role gives.
    pub const ALL: Self = Self(u64::MAX);

    /// Exactly these.
    #[must_use]
    pub const fn of(permissions: &[Permission]) -> Self {
        let mut set = Self::NONE;
        let mut next = 0;
        while next < permissions.len() {
            set = set.with(permissions[next]);
            next += 1;
        }
        set
    }

    /// These and one more.
    #[must_use]
    pub const fn with(self, permission: Permission) -> Self {
        Self(self.0 | 1 << permission.0)
    }

    /// Whether `permission` is among them.
    #[must_use]
    pub const fn contains(self, permission: Permission) -> bool {
        self.0 & (1 << permission.0) != 0
    }

    /// Whether all of `others` are among them.
    #[must_use]
    pub const fn contains_all(self, others: Self) -> bool {
        self.0 & others.0 == others.0
    }
}

impl BitOr for Permissions {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitAnd for Permissions {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl FromIterator<Permission> for Permissions {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        permissions.into_iter().fold(Self::NONE, Self::with)
    }
}

/// By hand: the bits, lowest last.
impl fmt::Debug for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Permissions({:#b})", self.0)
    }
}

/// What the members of an organization are to it, as the product has it: an enum in ascending
/// order, and what each of them may do.
///
/// The order is total, and who is higher may do all that who is lower may:
/// `a <= b` must imply that `b.permissions()` contains `a.permissions()`.
pub trait Role: Ord {
    /// What this role may do.
    fn permissions(&self) -> Permissions;
}
