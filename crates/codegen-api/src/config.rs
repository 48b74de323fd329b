//! Settings of client and server, and the one place where the environment is read.

use std::fmt;

#[cfg(feature = "client")]
mod client;
#[cfg(feature = "server")]
mod server;

#[cfg(feature = "client")]
pub use client::ClientConfig;
#[cfg(feature = "server")]
pub use server::ServerConfig;

/// A setting that is missing or cannot be used. Says which and what is accepted, never the value.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConfigError {
    /// The variable or the setting.
    pub name: &'static str,
    /// What is accepted.
    pub accepted: &'static str,
}

impl ConfigError {
    pub(crate) const fn new(name: &'static str, accepted: &'static str) -> Self {
        Self { name, accepted }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: expected {}", self.name, self.accepted)
    }
}

impl std::error::Error for ConfigError {}

/// Where variables are read from: the process, or a table in tests.
struct Environment<'a>(&'a dyn Fn(&str) -> Option<Vec<u8>>);

impl Environment<'_> {
    /// Reads the first of `names` that is set; one that is set to nothing counts as not set.
    fn read<T>(
        &self,
        names: &'static [&'static str],
        accepted: &'static str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, ConfigError> {
        let set = |name: &&'static str| Some((*name, (self.0)(name).filter(|v| !v.is_empty())?));
        let Some((name, value)) = names.iter().find_map(set) else {
            return Ok(None);
        };
        let text = std::str::from_utf8(&value).ok().map(str::trim);
        let value = text.and_then(read);
        value.map(Some).ok_or(ConfigError::new(name, accepted))
    }
}

impl Environment<'static> {
    fn of_the_process() -> Self {
        Self(&|name| std::env::var_os(name).map(std::ffi::OsString::into_encoded_bytes))
    }
}
