use serde::{Deserialize, Serialize};

use super::Extra;

/// A person, as the API shows one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct User {
    /// Id of the user.
    pub id: i64,
    /// E-mail address.
    #[serde(default)]
    pub email: Option<String>,
    /// The user's id at GitHub; a string on the wire.
    pub github_user_id: String,
    /// The user's name at GitHub.
    pub github_username: String,
    /// Where the user's picture is.
    #[serde(default)]
    pub avatar_url: Option<String>,
    /// Full name.
    #[serde(default)]
    pub full_name: Option<String>,
    /// Role in the organization asked about: `ADMIN`, `MANAGER` or `MEMBER`.
    #[serde(default)]
    pub role: Option<String>,
    /// Whether the role is `ADMIN`; kept by the contract for older readers.
    #[serde(default)]
    pub is_admin: Option<bool>,
    /// Fields this version does not name.
    #[serde(flatten)]
    pub extra: Extra,
}

impl User {
    /// A user with only the required fields.
    #[must_use]
    pub fn new(
        id: i64,
        github_user_id: impl Into<String>,
        github_username: impl Into<String>,
    ) -> Self {
        Self {
            id,
            email: None,
            github_user_id: github_user_id.into(),
            github_username: github_username.into(),
            avatar_url: None,
            full_name: None,
            role: None,
            is_admin: None,
            extra: Extra::new(),
        }
    }
}
