use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Where the store reads the time: leases must outlive a process, so it is the wall clock.
#[derive(Clone)]
pub(crate) struct Clock(Arc<dyn Fn() -> SystemTime + Send + Sync>);

impl Clock {
    pub(crate) fn new(now: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// Microseconds since 1970; 0 before that.
    pub(crate) fn now(&self) -> i64 {
        micros((self.0)().duration_since(UNIX_EPOCH).unwrap_or_default())
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

pub(crate) fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// RFC 3339 as the oldest readers take it: always six digits, always `+00:00`, never `Z`.
pub(crate) fn rfc3339(micros: i64) -> Result<String, jiff::Error> {
    Ok(jiff::Timestamp::from_microsecond(micros)?
        .strftime("%Y-%m-%dT%H:%M:%S%.6f+00:00")
        .to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_has_six_digits_and_a_numeric_offset() {
        assert_eq!(rfc3339(0).unwrap(), "1970-01-01T00:00:00.000000+00:00");
        assert_eq!(
            rfc3339(1_700_000_000_000_001).unwrap(),
            "2023-11-14T22:13:20.000001+00:00"
        );
        assert!(rfc3339(i64::MAX).is_err());
    }

    #[test]
    fn a_clock_out_of_range_saturates() {
        assert_eq!(Clock::new(|| UNIX_EPOCH - Duration::from_secs(1)).now(), 0);
        assert_eq!(micros(Duration::MAX), i64::MAX);
    }
}
