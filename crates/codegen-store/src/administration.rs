use std::io;
use std::path::Path;

use codegen_api::server::{Role, StoreError, TokenDigest};
use sqlx::query::QueryScalar;
use sqlx::sqlite::{Sqlite, SqliteArguments};

use crate::error::store_error;
use crate::{SqliteStore, token};

/// A user to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NewUser {
    /// The user's name at GitHub; no two users have the same.
    pub github_username: String,
    /// The user's id at GitHub; without one, the API shows the id here in its place.
    pub github_user_id: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
    /// Full name.
    pub full_name: Option<String>,
    /// Where the user's picture is.
    pub avatar_url: Option<String>,
}

impl NewUser {
    /// A user of whom only the name is known.
    #[must_use]
    pub fn new(github_username: impl Into<String>) -> Self {
        Self {
            github_username: github_username.into(),
            github_user_id: None,
            email: None,
            full_name: None,
            avatar_url: None,
        }
    }
}

/// For the operator. The first four may be repeated: what is there already is not made again, so a
/// server can be started with the same flags on the same file.
impl SqliteStore {
    /// The organization of this name, made when there is none; gives its id.
    ///
    /// # Errors
    ///
    /// The database is not available or failed.
    pub async fn create_organization(&self, name: &str) -> Result<i64, StoreError> {
        self.upsert(
            sqlx::query_scalar(
                "INSERT INTO organizations (name) VALUES ($1) \
                 ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING id",
            )
            .bind(name),
        )
        .await
    }

    /// The user of this GitHub name, made when there is none; gives the id. What is known of a
    /// user that is there already is replaced by what is known here.
    ///
    /// # Errors
    ///
    /// The database is not available or failed.
    pub async fn create_user(&self, user: NewUser) -> Result<i64, StoreError> {
        self.upsert(
            sqlx::query_scalar(
                "INSERT INTO users (github_username, github_user_id, email, full_name, avatar_url) \
                 VALUES ($1, $2, $3, $4, $5) \
                 ON CONFLICT (github_username) DO UPDATE SET \
                     github_user_id = COALESCE(excluded.github_user_id, users.github_user_id), \
                     email = COALESCE(excluded.email, users.email), \
                     full_name = COALESCE(excluded.full_name, users.full_name), \
                     avatar_url = COALESCE(excluded.avatar_url, users.avatar_url) \
                 RETURNING id",
            )
            .bind(user.github_username)
            .bind(user.github_user_id)
            .bind(user.email)
            .bind(user.full_name)
            .bind(user.avatar_url),
        )
        .await
    }

    /// Makes the user a member with this role, or changes the role.
    ///
    /// # Errors
    ///
    /// There is no such organization or user, or the database is not available or failed.
    pub async fn add_member(
        &self,
        organization_id: i64,
        user_id: i64,
        role: Role,
    ) -> Result<(), StoreError> {
        self.upsert(
            sqlx::query_scalar(
                "INSERT INTO memberships (organization_id, user_id, role) VALUES ($1, $2, $3) \
                 ON CONFLICT (organization_id, user_id) DO UPDATE SET role = excluded.role \
                 RETURNING user_id",
            )
            .bind(organization_id)
            .bind(user_id)
            .bind(role.as_str()),
        )
        .await
        .map(|_| ())
    }

    /// The repository `owner/name` of an organization, made when there is none; gives its id.
    ///
    /// `root` is the directory of its source tree on this machine, kept as an absolute path; `None`
    /// leaves the one known before. Runs need one.
    ///
    /// # Errors
    ///
    /// There is no such organization, the path is not UTF-8, or the database is not available or
    /// failed.
    pub async fn register_repository(
        &self,
        organization_id: i64,
        owner: &str,
        name: &str,
        root: Option<&Path>,
    ) -> Result<i64, StoreError> {
        let root = root
            .map(absolute)
            .transpose()
            .map_err(|error| StoreError::Internal(Box::new(error)))?;
        self.upsert(
            sqlx::query_scalar(
                "INSERT INTO repositories (organization_id, owner, name, root) \
                 VALUES ($1, $2, $3, $4) \
                 ON CONFLICT (organization_id, owner, name) DO UPDATE SET \
                     root = COALESCE(excluded.root, repositories.root) \
                 RETURNING id",
            )
            .bind(organization_id)
            .bind(owner)
            .bind(name)
            .bind(root),
        )
        .await
    }

    /// The id of the organization of this name.
    ///
    /// # Errors
    ///
    /// The database is not available or failed.
    pub async fn organization_by_name(&self, name: &str) -> Result<Option<i64>, StoreError> {
        sqlx::query_scalar("SELECT id FROM organizations WHERE name = $1")
            .bind(name)
            .fetch_optional(&self.readers)
            .await
            .map_err(store_error)
    }

    /// Makes a token that opens all organizations of the user: `cg_` and 64 hexadecimal digits.
    ///
    /// This is the only time it is seen: the database keeps its digest.
    ///
    /// # Errors
    ///
    /// There is no such user, the operating system has no randomness, or the database is not
    /// available or failed.
    pub async fn create_token(&self, user_id: i64) -> Result<String, StoreError> {
        let token = token::generate().map_err(|error| StoreError::Internal(Box::new(error)))?;
        let digest = TokenDigest::of(token.as_bytes());
        self.upsert(
            sqlx::query_scalar(
                "INSERT INTO access_tokens (user_id, prefix, digest, created_at) \
                 VALUES ($1, $2, $3, $4) RETURNING id",
            )
            .bind(user_id)
            .bind(digest.prefix().to_vec())
            .bind(digest.as_bytes().to_vec())
            .bind(self.clock.now()),
        )
        .await?;
        Ok(token)
    }

    /// Makes a token worthless from the next request on; `false` when it was before.
    ///
    /// # Errors
    ///
    /// The database is not available or failed.
    pub async fn revoke_token(&self, token: &str) -> Result<bool, StoreError> {
        let digest = TokenDigest::of(token.as_bytes());
        self.delete_token(&digest).await.map_err(store_error)
    }

    async fn delete_token(&self, digest: &TokenDigest) -> Result<bool, sqlx::Error> {
        let mut tx = self.write().await?;
        let deleted = sqlx::query("DELETE FROM access_tokens WHERE prefix = $1 AND digest = $2")
            .bind(digest.prefix())
            .bind(digest.as_bytes())
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(deleted.rows_affected() > 0)
    }

    /// Runs a statement that writes one row and returns its id.
    async fn upsert(
        &self,
        statement: QueryScalar<'_, Sqlite, i64, SqliteArguments>,
    ) -> Result<i64, StoreError> {
        self.write_one(statement).await.map_err(store_error)
    }

    async fn write_one(
        &self,
        statement: QueryScalar<'_, Sqlite, i64, SqliteArguments>,
    ) -> Result<i64, sqlx::Error> {
        let mut tx = self.write().await?;
        let id = statement.fetch_one(&mut *tx).await?;
        tx.commit().await?;
        Ok(id)
    }
}

fn absolute(path: &Path) -> io::Result<String> {
    std::path::absolute(path)?
        .into_os_string()
        .into_string()
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "the path is not UTF-8"))
}
