use codegen_api::model::{Organization, Repository, User};
use codegen_api::server::{Listing, OrgScope, Principal, Role, TokenDigest, Window};
use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, Row};

use crate::SqliteStore;

impl SqliteStore {
    pub(crate) async fn find_principal(
        &self,
        token: &TokenDigest,
    ) -> Result<Option<Principal>, sqlx::Error> {
        let rows = sqlx::query(
            "SELECT t.digest, t.user_id, m.organization_id, m.role \
             FROM access_tokens t LEFT JOIN memberships m ON m.user_id = t.user_id \
             WHERE t.prefix = $1",
        )
        .bind(token.prefix())
        .fetch_all(&self.readers)
        .await?;
        let mut user = None;
        let mut memberships = Vec::new();
        for row in rows {
            if TokenDigest::from_bytes(row.try_get("digest")?).as_ref() != Some(token) {
                continue;
            }
            user = Some(row.try_get("user_id")?);
            // Null for a user without any organization.
            if let Some(organization_id) = row.try_get("organization_id")? {
                let RoleWord(role) = row.try_get("role")?;
                memberships.push((organization_id, role));
            }
        }
        Ok(user.map(|user_id| Principal::new(user_id, memberships)))
    }

    /// The role stays empty: it is the one in an organization, and none was asked about.
    pub(crate) async fn find_current_user(&self, id: i64) -> Result<Option<User>, sqlx::Error> {
        let row: Option<UserRow> = sqlx::query_as(
            "SELECT id, github_username, github_user_id, email, full_name, avatar_url, \
                    NULL AS role \
             FROM users WHERE id = $1",
        )
        .bind(id)
        .fetch_optional(&self.readers)
        .await?;
        Ok(row.map(|UserRow(user)| user))
    }

    pub(crate) async fn list_organizations(
        &self,
        principal: &Principal,
        window: Window,
    ) -> Result<Listing<Organization>, sqlx::Error> {
        let rows: Vec<(i64, String, bool, bool)> = sqlx::query_as(
            "SELECT o.id, o.name, o.enable_pr_creation, o.enable_rules_detection \
             FROM memberships m JOIN organizations o ON o.id = m.organization_id \
             WHERE m.user_id = $1 ORDER BY m.organization_id",
        )
        .bind(principal.user_id())
        .fetch_all(&self.readers)
        .await?;
        // A credential may open fewer organizations than its user is in.
        let opened: Vec<Organization> = rows
            .into_iter()
            .filter(|(id, ..)| principal.scope(*id).is_some())
            .map(|(id, name, pr_creation, rules_detection)| {
                let mut organization = Organization::new(id, name);
                organization.settings.enable_pr_creation = pr_creation;
                organization.settings.enable_rules_detection = rules_detection;
                organization
            })
            .collect();
        let index = |n: i64| usize::try_from(n.max(0)).unwrap_or(usize::MAX);
        Ok(Listing {
            total: i64::try_from(opened.len()).unwrap_or(i64::MAX),
            items: opened
                .into_iter()
                .skip(index(window.skip))
                .take(index(window.limit))
                .collect(),
        })
    }

    pub(crate) async fn list_users(
        &self,
        scope: &OrgScope,
        window: Window,
    ) -> Result<Listing<User>, sqlx::Error> {
        let mut tx = self.read().await?;
        let total =
            sqlx::query_scalar("SELECT COUNT(*) FROM memberships WHERE organization_id = $1")
                .bind(scope.organization_id())
                .fetch_one(&mut *tx)
                .await?;
        let rows: Vec<UserRow> = sqlx::query_as(
            "SELECT u.id, u.github_username, u.github_user_id, u.email, u.full_name, \
                    u.avatar_url, m.role \
             FROM memberships m JOIN users u ON u.id = m.user_id \
             WHERE m.organization_id = $1 ORDER BY m.user_id LIMIT $2 OFFSET $3",
        )
        .bind(scope.organization_id())
        .bind(window.limit)
        .bind(window.skip)
        .fetch_all(&mut *tx)
        .await?;
        let items = rows.into_iter().map(|UserRow(user)| user).collect();
        tx.commit().await?;
        Ok(Listing { items, total })
    }

    pub(crate) async fn find_user(
        &self,
        scope: &OrgScope,
        user_id: i64,
    ) -> Result<Option<User>, sqlx::Error> {
        let row: Option<UserRow> = sqlx::query_as(
            "SELECT u.id, u.github_username, u.github_user_id, u.email, u.full_name, \
                    u.avatar_url, m.role \
             FROM memberships m JOIN users u ON u.id = m.user_id \
             WHERE m.organization_id = $1 AND m.user_id = $2",
        )
        .bind(scope.organization_id())
        .bind(user_id)
        .fetch_optional(&self.readers)
        .await?;
        Ok(row.map(|UserRow(user)| user))
    }

    pub(crate) async fn list_repositories(
        &self,
        scope: &OrgScope,
        window: Window,
    ) -> Result<Listing<Repository>, sqlx::Error> {
        let organization_id = scope.organization_id();
        let mut tx = self.read().await?;
        let total =
            sqlx::query_scalar("SELECT COUNT(*) FROM repositories WHERE organization_id = $1")
                .bind(organization_id)
                .fetch_one(&mut *tx)
                .await?;
        let rows: Vec<(i64, String, String)> = sqlx::query_as(
            "SELECT id, owner, name FROM repositories \
             WHERE organization_id = $1 ORDER BY id LIMIT $2 OFFSET $3",
        )
        .bind(organization_id)
        .bind(window.limit)
        .bind(window.skip)
        .fetch_all(&mut *tx)
        .await?;
        tx.commit().await?;
        let items = rows
            .into_iter()
            .map(|(id, owner, name)| Repository::new(id, organization_id, &owner, &name))
            .collect();
        Ok(Listing { items, total })
    }
}

/// A role as its word.
struct RoleWord(Role);

impl sqlx::Type<sqlx::Sqlite> for RoleWord {
    fn type_info() -> sqlx::sqlite::SqliteTypeInfo {
        <str as sqlx::Type<sqlx::Sqlite>>::type_info()
    }
}

impl<'r> sqlx::Decode<'r, sqlx::Sqlite> for RoleWord {
    fn decode(value: sqlx::sqlite::SqliteValueRef<'r>) -> Result<Self, sqlx::error::BoxDynError> {
        let word = <&str as sqlx::Decode<'r, sqlx::Sqlite>>::decode(value)?;
        Ok(Self(Role::parse(word).ok_or("not a role")?))
    }
}

struct UserRow(User);

impl FromRow<'_, SqliteRow> for UserRow {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        let id: i64 = row.try_get("id")?;
        let role: Option<RoleWord> = row.try_get("role")?;
        // Users that were not made from a GitHub account show their own id.
        let github_user_id: Option<String> = row.try_get("github_user_id")?;
        let github_user_id = github_user_id.unwrap_or_else(|| id.to_string());
        let github_username: String = row.try_get("github_username")?;
        let mut user = User::new(id, github_user_id, github_username);
        user.email = row.try_get("email")?;
        user.full_name = row.try_get("full_name")?;
        user.avatar_url = row.try_get("avatar_url")?;
        user.role = role.as_ref().map(|RoleWord(role)| role.as_str().to_owned());
        user.is_admin = role.map(|RoleWord(role)| role == Role::Admin);
        Ok(Self(user))
    }
}
