use serde::{Deserialize, Serialize};

use super::Extra;

/// An organization.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Organization {
    /// Id of the organization.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Its switches.
    #[serde(default)]
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
    pub enable_pr_creation: bool,
    /// Whether agents look for the repository's rules.
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
