use std::{fmt, num::NonZeroU32, time::Duration};

use http::{HeaderValue, Uri};

use super::{ConfigError, Environment};

/// Where the API is when nothing else is said.
const BASE_URL: &str = "https://api.codegen.com";

const TOKEN: &[&str] = &["CODEGEN_API_TOKEN", "CODEGEN_API_KEY"];
const BASE: &[&str] = &[
    "CODEGEN_API_BASE_URL",
    "CODEGEN_BASE_URL",
    "CODEGEN_API_URL",
];
const ORGANIZATION: &[&str] = &["CODEGEN_ORG_ID"];
const TIMEOUT: &[&str] = &["CODEGEN_TIMEOUT"];
const RETRIES: &[&str] = &["CODEGEN_MAX_RETRIES"];

/// Settings of a [`Client`](crate::client::Client).
///
/// Defaults: 30 s for one attempt, 3 retries, 2 minutes for everything together, 60 requests in
/// 30 s (what the service admits), 128 cached answers of up to 5 minutes.
#[derive(Clone)]
pub struct ClientConfig {
    pub(crate) token: HeaderValue,
    pub(crate) base: Base,
    pub(crate) organization_id: Option<i64>,
    pub(crate) attempt_timeout: Duration,
    pub(crate) deadline: Duration,
    pub(crate) max_retries: u32,
    pub(crate) retry_delay: Duration,
    pub(crate) rate: (NonZeroU32, Duration),
    pub(crate) cache_ttl: Duration,
    pub(crate) cache_entries: usize,
    pub(crate) breaker_failures: NonZeroU32,
    pub(crate) breaker_open: Duration,
}

impl ClientConfig {
    /// Defaults with a token.
    ///
    /// # Errors
    ///
    /// When the token is empty or no header could carry it.
    pub fn new(token: &str) -> Result<Self, ConfigError> {
        Ok(Self {
            token: authorization(token).ok_or(ConfigError::new(
                "token",
                "a non-empty token of visible ASCII characters",
            ))?,
            base: Base::parse(BASE_URL).ok_or(ConfigError::new("base_url", Base::ACCEPTED))?,
            organization_id: None,
            attempt_timeout: Duration::from_secs(30),
            deadline: Duration::from_secs(120),
            max_retries: 3,
            retry_delay: Duration::from_secs(1),
            rate: (NonZeroU32::MIN.saturating_add(59), Duration::from_secs(30)),
            cache_ttl: Duration::from_secs(300),
            cache_entries: 128,
            breaker_failures: NonZeroU32::MIN.saturating_add(4),
            breaker_open: Duration::from_secs(5),
        })
    }

    /// Reads the environment.
    ///
    /// | setting | variables, the first one set counts | default |
    /// |---|---|---|
    /// | token | `CODEGEN_API_TOKEN`, `CODEGEN_API_KEY` | none: required |
    /// | base URL, with or without `/v1` | `CODEGEN_API_BASE_URL`, `CODEGEN_BASE_URL`, `CODEGEN_API_URL` | `https://api.codegen.com` |
    /// | organization | `CODEGEN_ORG_ID` | none |
    /// | timeout of one attempt: `30s`, `500ms`, `2m`, or seconds | `CODEGEN_TIMEOUT` | `30s` |
    /// | retries after the first attempt, 0 to 10 | `CODEGEN_MAX_RETRIES` | `3` |
    ///
    /// A variable that is set to nothing counts as not set.
    ///
    /// # Errors
    ///
    /// When the token is missing or a value cannot be read. The error names the variable and what
    /// is accepted, never the value.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_environment(&Environment::of_the_process())
    }

    fn from_environment(environment: &Environment<'_>) -> Result<Self, ConfigError> {
        let expected = "a non-empty token of visible ASCII characters";
        let token = environment.read(TOKEN, expected, |text| {
            authorization(text).map(|_| text.to_owned())
        })?;
        let mut config = Self::new(&token.ok_or(ConfigError::new(TOKEN[0], expected))?)?;
        if let Some(base) = environment.read(BASE, Base::ACCEPTED, Base::parse)? {
            config.base = base;
        }
        config.organization_id =
            environment.read(ORGANIZATION, "an integer", |text| text.parse().ok())?;
        if let Some(timeout) = environment.read(TIMEOUT, DURATION_ACCEPTED, parse_duration)? {
            config.attempt_timeout = timeout;
        }
        let in_range = |text: &str| text.parse().ok().filter(|retries| *retries <= 10);
        if let Some(retries) = environment.read(RETRIES, "an integer from 0 to 10", in_range)? {
            config.max_retries = retries;
        }
        Ok(config)
    }

    /// Where the API is: scheme and host, with or without `/v1` at the end.
    ///
    /// # Errors
    ///
    /// When it is not an absolute `http` or `https` URL, or has a query, a fragment or user
    /// information.
    pub fn base_url(mut self, url: &str) -> Result<Self, ConfigError> {
        self.base = Base::parse(url).ok_or(ConfigError::new("base_url", Base::ACCEPTED))?;
        Ok(self)
    }

    /// The organization that programs act in when they are not told another one.
    #[must_use]
    pub fn organization_id(mut self, id: i64) -> Self {
        self.organization_id = Some(id);
        self
    }

    /// The organization of [`organization_id`](Self::organization_id) or `CODEGEN_ORG_ID`.
    #[must_use]
    pub fn default_organization(&self) -> Option<i64> {
        self.organization_id
    }

    /// How long one attempt may take, its answer's body included. Default 30 s.
    #[must_use]
    pub fn attempt_timeout(mut self, timeout: Duration) -> Self {
        self.attempt_timeout = timeout;
        self
    }

    /// How long an operation may take with all its attempts and waits. Default 2 minutes.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Retries after the first attempt. Default 3; 0 never retries.
    #[must_use]
    pub fn max_retries(mut self, retries: u32) -> Self {
        self.max_retries = retries;
        self
    }

    /// The ceiling of the first retry's delay; it doubles with every further one, up to 30 s.
    /// Default 1 s. The delay itself is drawn from zero to the ceiling.
    #[must_use]
    pub fn retry_delay(mut self, delay: Duration) -> Self {
        self.retry_delay = delay;
        self
    }

    /// At most this many requests in any span of `window`; more wait their turn. Default 60 in
    /// 30 s: what the service admits.
    #[must_use]
    pub fn rate(mut self, requests: NonZeroU32, window: Duration) -> Self {
        self.rate = (requests, window);
        self
    }

    /// How long an answer counts as fresh when the server does not say. Default 5 minutes.
    #[must_use]
    pub fn cache_ttl(mut self, ttl: Duration) -> Self {
        self.cache_ttl = ttl;
        self
    }

    /// Answers kept at once. Default 128.
    #[must_use]
    pub fn cache_entries(mut self, entries: usize) -> Self {
        self.cache_entries = entries;
        self
    }

    /// The circuit breaker: opens after this many failures in a row, first for `open`, then twice
    /// as long each time up to 2 minutes. Default 5 failures, 5 s.
    #[must_use]
    pub fn breaker(mut self, failures: NonZeroU32, open: Duration) -> Self {
        self.breaker_failures = failures;
        self.breaker_open = open;
        self
    }
}

impl fmt::Debug for ClientConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientConfig")
            .field("base", &self.base.0)
            .field("organization_id", &self.organization_id)
            .field("attempt_timeout", &self.attempt_timeout)
            .field("deadline", &self.deadline)
            .field("max_retries", &self.max_retries)
            .field("rate", &self.rate)
            .field("cache_ttl", &self.cache_ttl)
            .field("cache_entries", &self.cache_entries)
            .finish_non_exhaustive()
    }
}

/// Scheme, authority and path prefix, without `/v1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Base(String);

impl Base {
    const ACCEPTED: &'static str = "an http or https URL without query, fragment and user information, such as \
        https://api.codegen.com";

    fn parse(text: &str) -> Option<Self> {
        let uri: Uri = text.trim().parse().ok()?;
        let scheme = uri.scheme_str()?.to_ascii_lowercase();
        let authority = uri
            .authority()
            .filter(|authority| !authority.as_str().contains('@'))?;
        let host = authority.host();
        let port_is_one = authority.as_str() == host || authority.port_u16().is_some();
        if !matches!(&*scheme, "http" | "https")
            || host.is_empty()
            || !port_is_one
            || uri.query().is_some()
            || text.contains('#')
        {
            return None;
        }
        let path = uri.path().trim_end_matches('/');
        let path = path.strip_suffix("/v1").unwrap_or(path);
        Some(Self(format!("{scheme}://{authority}{path}")))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

fn authorization(token: &str) -> Option<HeaderValue> {
    let token = token.trim();
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return None;
    }
    let mut value = HeaderValue::try_from(format!("Bearer {token}")).ok()?;
    value.set_sensitive(true);
    Some(value)
}

const DURATION_ACCEPTED: &str = "a duration above zero such as 30s, 500ms or 2m; a bare number is \
    seconds and at most 3600, so 60000 must be written 60000ms or 60000s";

/// Reads `30s`, `500ms`, `2m`, or a bare number of seconds up to an hour.
///
/// The same variable means seconds to some programs and milliseconds to others; a bare number that
/// only makes sense as milliseconds is refused instead of guessed.
fn parse_duration(text: &str) -> Option<Duration> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().ok()?;
    let duration = match unit.trim() {
        "ms" => Duration::from_millis(number),
        "s" => Duration::from_secs(number),
        "m" => Duration::from_secs(number.checked_mul(60)?),
        "" if number <= 3600 => Duration::from_secs(number),
        _ => return None,
    };
    (!duration.is_zero()).then_some(duration)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&'static str, &str)]) -> Result<ClientConfig, ConfigError> {
        ClientConfig::from_environment(&Environment(&|name| {
            let found = variables.iter().find(|(set, _)| *set == name);
            found.map(|(_, value)| value.as_bytes().to_vec())
        }))
    }

    #[test]
    fn a_missing_token_is_named() {
        assert_eq!(read(&[]).unwrap_err().name, "CODEGEN_API_TOKEN");
        assert_eq!(
            read(&[("CODEGEN_API_TOKEN", "")]).unwrap_err().name,
            "CODEGEN_API_TOKEN"
        );
        assert!(read(&[("CODEGEN_API_KEY", "k")]).is_ok());
    }

    #[test]
    fn the_first_alias_that_is_set_counts() {
        let config = read(&[
            ("CODEGEN_API_TOKEN", "t"),
            ("CODEGEN_API_URL", "https://third"),
            ("CODEGEN_BASE_URL", "https://second/v1/"),
        ]);
        assert_eq!(config.unwrap().base.as_str(), "https://second");
    }

    #[test]
    fn the_base_is_the_same_with_and_without_the_version() {
        let base = |text| Base::parse(text).map(|base| base.0);
        for text in [
            "http://h:1",
            "http://h:1/",
            "http://h:1/v1",
            "http://h:1/v1/",
        ] {
            assert_eq!(base(text).as_deref(), Some("http://h:1"), "{text}");
        }
        assert_eq!(base("https://h/api/v1").as_deref(), Some("https://h/api"));
        assert_eq!(base("HTTPS://h:8/v1").as_deref(), Some("https://h:8"));
        assert_eq!(
            base("http://[::1]:8/v1/").as_deref(),
            Some("http://[::1]:8")
        );
        for text in [
            "",
            "h",
            "/v1",
            "ftp://h",
            "http://u:p@h",
            "http://h?x=1",
            "http://h#x",
            "http://h:99999",
            "http://:80",
            "http://",
        ] {
            assert_eq!(base(text), None, "{text}");
        }
    }

    #[test]
    fn durations_carry_their_unit_or_are_seconds_up_to_an_hour() {
        assert_eq!(parse_duration("30"), Some(Duration::from_secs(30)));
        assert_eq!(parse_duration("3600"), Some(Duration::from_secs(3600)));
        assert_eq!(parse_duration("3601"), None);
        assert_eq!(parse_duration("60000ms"), Some(Duration::from_secs(60)));
        assert_eq!(parse_duration("60000s"), Some(Duration::from_secs(60_000)));
        assert_eq!(parse_duration("2 m"), Some(Duration::from_secs(120)));
        for text in [
            "",
            "s",
            "-1",
            "1h",
            "1.5",
            "0",
            "0ms",
            "99999999999999999999s",
        ] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }

    #[test]
    fn a_wrong_value_is_named_but_not_shown() {
        let error = read(&[("CODEGEN_API_TOKEN", "t"), ("CODEGEN_TIMEOUT", "60000")]).unwrap_err();
        assert_eq!(error.name, "CODEGEN_TIMEOUT");
        let shown = error.to_string();
        assert!(shown.contains("60000ms") && shown.contains("60000s"));
        let secret = read(&[("CODEGEN_API_TOKEN", "s3cr\u{e9}t")]).unwrap_err();
        assert!(!secret.to_string().contains("s3cr"));
    }

    #[test]
    fn the_token_is_not_in_the_debug_output() {
        let config = ClientConfig::new("sesame").unwrap();
        assert!(!format!("{config:?}").contains("sesame"));
    }
}
