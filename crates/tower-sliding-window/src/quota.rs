use std::{error, fmt, num::NonZeroU32, num::NonZeroU64, time::Duration};

/// So many requests in any window of such a length.
///
/// Always a pair; there is no "per second", which some read as one every so many seconds.
/// Counted over half-open windows: a request admitted at `t` stops counting at exactly
/// `t + window`.
///
/// ```
/// use std::time::Duration;
/// use tower_sliding_window::Quota;
///
/// // At most 60 requests in any 30 seconds.
/// let quota = Quota::new(60, Duration::from_secs(30))?;
/// assert_eq!(quota.limit(), 60);
/// # Ok::<(), tower_sliding_window::QuotaError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Quota {
    limit: NonZeroU32,
    /// Nanoseconds.
    window: NonZeroU64,
}

impl Quota {
    /// At most `limit` requests in any span of `window`.
    ///
    /// # Errors
    ///
    /// When either is zero, or the window is longer than `u64::MAX` nanoseconds (584 years).
    pub fn new(limit: u32, window: Duration) -> Result<Self, QuotaError> {
        let limit = NonZeroU32::new(limit).ok_or(QuotaError::ZeroLimit)?;
        let nanos =
            u64::try_from(window.as_nanos()).map_err(|_| QuotaError::WindowTooLong { window })?;
        let window = NonZeroU64::new(nanos).ok_or(QuotaError::ZeroWindow)?;
        Ok(Self { limit, window })
    }

    /// How many requests any window may hold.
    #[must_use]
    pub const fn limit(&self) -> u32 {
        self.limit.get()
    }

    /// The length of the window.
    #[must_use]
    pub const fn window(&self) -> Duration {
        Duration::from_nanos(self.window.get())
    }

    /// The same number of requests evenly spread: one each `window / limit`, rounded up to whole
    /// nanoseconds. For a client that would rather go steadily than spend all and wait.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tower_sliding_window::Quota;
    ///
    /// let quota = Quota::new(60, Duration::from_secs(30))?;
    /// assert_eq!(quota.spread(), Quota::new(1, Duration::from_millis(500))?);
    /// # Ok::<(), tower_sliding_window::QuotaError>(())
    /// ```
    #[must_use]
    pub fn spread(self) -> Self {
        let each = self.window_nanos().div_ceil(u64::from(self.limit()));
        Self {
            limit: NonZeroU32::MIN,
            window: NonZeroU64::new(each).unwrap_or(self.window),
        }
    }

    /// One of so many parts of the limit, at least 1.
    #[cfg(feature = "redis")]
    pub(crate) fn divided(self, parts: NonZeroU32) -> Self {
        let limit = NonZeroU32::new(self.limit() / parts).unwrap_or(NonZeroU32::MIN);
        Self { limit, ..self }
    }

    /// The same limit in a window so many nanoseconds longer.
    pub(crate) const fn longer_by(self, nanos: u64) -> Self {
        Self {
            window: self.window.saturating_add(nanos),
            ..self
        }
    }

    /// What [`longer_by`](Self::longer_by) was called on.
    pub(crate) fn shorter_by(self, nanos: u64) -> Self {
        let window = NonZeroU64::new(self.window_nanos().saturating_sub(nanos));
        Self {
            window: window.unwrap_or(NonZeroU64::MIN),
            ..self
        }
    }

    pub(crate) const fn window_nanos(&self) -> u64 {
        self.window.get()
    }
}

impl fmt::Debug for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Quota")
            .field("limit", &self.limit())
            .field("window", &self.window())
            .finish()
    }
}

impl fmt::Display for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {:?}", self.limit(), self.window())
    }
}

impl AsRef<[Self]> for Quota {
    fn as_ref(&self) -> &[Self] {
        std::slice::from_ref(self)
    }
}

/// Why a [`Quota`] cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum QuotaError {
    /// A limit of zero would refuse for ever; leave the route out instead.
    ZeroLimit,
    /// A window of no length holds nothing.
    ZeroWindow,
    /// The window does not fit the 64-bit nanosecond clock.
    WindowTooLong {
        /// What was asked for.
        window: Duration,
    },
}

impl fmt::Display for QuotaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ZeroLimit => f.write_str("the limit of a quota is zero"),
            Self::ZeroWindow => f.write_str("the window of a quota is zero"),
            Self::WindowTooLong { window } => {
                write!(
                    f,
                    "the window of a quota, {window:?}, is longer than 584 years"
                )
            }
        }
    }
}

impl error::Error for QuotaError {}

/// Which quotas a key is held to.
///
/// Several are tiers (a burst and an hour, say): a request is charged to all of them or, when one
/// is full, to none. None at all means the key is not limited.
///
/// [`Quota`] and arrays of it implement it, and closures from a key to anything that is a slice of
/// quotas. A closure is asked at every request, so what it answers may change while the program
/// runs (a [`QuotaTable`](crate::QuotaTable) is told what to answer); a key's history is then judged by the newest answer. Tiers are told apart by position.
///
/// ```
/// use std::time::Duration;
/// use tower_sliding_window::{Quota, Quotas};
///
/// #[derive(Clone, Copy)]
/// enum Plan {
///     Free,
///     Paid,
/// }
///
/// let free = Quota::new(10, Duration::from_secs(60))?;
/// let paid = Quota::new(600, Duration::from_secs(60))?;
/// let by_plan = move |(_user, plan): &(u64, Plan)| match plan {
///     Plan::Free => free,
///     Plan::Paid => paid,
/// };
/// assert_eq!(by_plan.quotas(&(7, Plan::Paid)), paid);
/// # Ok::<(), tower_sliding_window::QuotaError>(())
/// ```
pub trait Quotas<K> {
    /// One quota or several.
    type Tiers: AsRef<[Quota]>;

    /// The quotas of `key`.
    fn quotas(&self, key: &K) -> Self::Tiers;
}

impl<K> Quotas<K> for Quota {
    type Tiers = Self;

    fn quotas(&self, _: &K) -> Self {
        *self
    }
}

impl<K, const N: usize> Quotas<K> for [Quota; N] {
    type Tiers = Self;

    fn quotas(&self, _: &K) -> Self {
        *self
    }
}

impl<K, F, T> Quotas<K> for F
where
    F: Fn(&K) -> T,
    T: AsRef<[Quota]>,
{
    type Tiers = T;

    fn quotas(&self, key: &K) -> T {
        self(key)
    }
}
