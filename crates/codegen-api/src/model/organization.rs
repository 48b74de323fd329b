use serde::{Deserialize, Deserializer, Serialize};

use super::Extra;

/// An organization.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Organization {
    /// Id of the organization.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Its switches; the default ones when missing or null.
    #[serde(default, deserialize_with = "null_is_default")]
    pub settings: OrganizationSettings,
    /// Fields this version does not name.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Organization {
    /// An organization with default settings.
    #[must_use]
    pub fn new(id: i64, name: impl Into<String>) -> Self {
        Self {
            id,
            name: name.into(),
            settings: OrganizationSettings::default(),
            extra: Extra::new(),
        }
    }
}

/// Switches of an organization; both are on by default, as the contract says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct OrganizationSettings {
    /// Whether agents may open pull requests.
    #[serde(deserialize_with = "null_is_on")]
    pub enable_pr_creation: bool,
    /// Whether agents look for the repository's rules.
    #[serde(deserialize_with = "null_is_on")]
    pub enable_rules_detection: bool,
}

impl Default for OrganizationSettings {
    fn default() -> Self {
        Self {
            enable_pr_creation: true,
            enable_rules_detection: true,
        }
    }
}

fn null_is_default<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<OrganizationSettings, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

fn null_is_on<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or(true))
}
