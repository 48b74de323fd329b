use serde::{Deserialize, Serialize};

use super::Extra;

/// A repository of an organization.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Repository {
    /// Id of the repository.
    pub id: i64,
    /// Name without the owner.
    pub name: String,
    /// `owner/name`.
    pub full_name: String,
    /// What it is for.
    pub description: Option<String>,
    /// Id at GitHub; a string on the wire.
    pub github_id: String,
    /// The organization that owns it.
    pub organization_id: i64,
    /// `public` or `private`.
    pub visibility: Option<String>,
    /// Whether it is archived.
    pub archived: Option<bool>,
    /// How far its set-up has come.
    pub setup_status: String,
    /// Main language.
    pub language: Option<String>,
    /// Fields this version does not name.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Repository {
    /// A repository with what every one has; the rest is unknown.
    #[must_use]
    pub fn new(id: i64, organization_id: i64, owner: &str, name: &str) -> Self {
        Self {
            id,
            name: name.to_owned(),
            full_name: format!("{owner}/{name}"),
            description: None,
            github_id: id.to_string(),
            organization_id,
            visibility: None,
            archived: None,
            setup_status: "COMPLETE".to_owned(),
            language: None,
            extra: Extra::new(),
        }
    }
}
