use tokio::time::Instant;

/// What a store reads the time from.
#[derive(Debug, Clone, Copy)]
pub(super) enum Clock {
    /// Tokio's: nanoseconds, and still when it is paused.
    Tokio { epoch: Instant },
    /// The kernel's last tick.
    #[cfg(all(feature = "coarse-clock", target_os = "linux"))]
    Coarse { tick: u64 },
}

/// A time in nanoseconds, and by how much the true one may be later.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Now {
    pub(crate) at: u64,
    pub(crate) tick: u64,
}

impl Clock {
    pub(super) fn tokio() -> Self {
        Self::Tokio {
            epoch: Instant::now(),
        }
    }

    /// The coarse clock where there is one.
    #[cfg(feature = "coarse-clock")]
    pub(super) fn coarse() -> Self {
        #[cfg(target_os = "linux")]
        {
            use rustix::time::{ClockId, clock_getres};
            let tick = nanos(clock_getres(ClockId::MonotonicCoarse));
            Self::Coarse { tick }
        }
        #[cfg(not(target_os = "linux"))]
        Self::tokio()
    }

    pub(super) fn now(self) -> Now {
        match self {
            Self::Tokio { epoch } => Now {
                at: u64::try_from(epoch.elapsed().as_nanos()).unwrap_or(u64::MAX),
                tick: 0,
            },
            #[cfg(all(feature = "coarse-clock", target_os = "linux"))]
            Self::Coarse { tick } => {
                use rustix::time::{ClockId, clock_gettime};
                let at = nanos(clock_gettime(ClockId::MonotonicCoarse));
                Now { at, tick }
            }
        }
    }
}

#[cfg(all(feature = "coarse-clock", target_os = "linux"))]
fn nanos(time: rustix::time::Timespec) -> u64 {
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    let nanos = u64::try_from(time.tv_nsec).unwrap_or_default();
    seconds.saturating_mul(1_000_000_000).saturating_add(nanos)
}
