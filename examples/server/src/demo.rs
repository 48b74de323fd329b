use std::{fmt, path::Path};

use codegen_api::server::{Role, StoreError};
use codegen_store::{NewUser, SqliteStore};

use crate::arguments::Repository;

/// What `--demo` created, with the only copy of its tokens.
#[derive(Clone)]
#[non_exhaustive]
pub struct Demo {
    /// The first organization.
    pub organization_id: i64,
    /// Token of its administrator.
    pub token: String,
    /// The second organization, which shares nothing with the first.
    pub second_organization_id: i64,
    /// Token of its administrator.
    pub second_token: String,
}

impl fmt::Debug for Demo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Demo")
            .field("organization_id", &self.organization_id)
            .field("second_organization_id", &self.second_organization_id)
            .finish_non_exhaustive()
    }
}

/// Two organizations with their people. What is there already stays; the tokens are new each time,
/// because the database does not have the old ones to show.
pub(crate) async fn create(store: &SqliteStore) -> Result<Demo, StoreError> {
    let (organization_id, token) = organization(
        store,
        "acme",
        [
            ("ada", "Ada of Acme", Role::Admin),
            ("bo", "Bo of Acme", Role::Member),
        ],
    )
    .await?;
    let (second_organization_id, second_token) = organization(
        store,
        "globex",
        [
            ("gus", "Gus of Globex", Role::Admin),
            ("gwen", "Gwen of Globex", Role::Manager),
        ],
    )
    .await?;
    Ok(Demo {
        organization_id,
        token,
        second_organization_id,
        second_token,
    })
}

/// An organization with its members; the token is the first one's.
async fn organization(
    store: &SqliteStore,
    name: &str,
    members: [(&str, &str, Role); 2],
) -> Result<(i64, String), StoreError> {
    let organization = store.create_organization(name).await?;
    let mut owner = None;
    for (username, full_name, role) in members {
        let mut user = NewUser::new(username);
        user.full_name = Some(full_name.to_owned());
        user.email = Some(format!("{username}@{name}.example"));
        let user = store.create_user(user).await?;
        store.add_member(organization, user, role).await?;
        owner = owner.or(Some(user));
    }
    let token = store.create_token(owner.unwrap_or_default()).await?;
    Ok((organization, token))
}

/// Registers source trees with the organizations they name, or else with those of the demo.
pub(crate) async fn register(
    store: &SqliteStore,
    demo: bool,
    repositories: &[Repository],
) -> Result<(), StoreError> {
    let mut bare = Vec::new();
    for repository in repositories {
        match &repository.organization {
            Some(organization) => {
                let id = store.create_organization(organization).await?;
                let root = Some(repository.root.as_path());
                store
                    .register_repository(id, organization, &repository.name, root)
                    .await?;
            }
            None => bare.push((repository.name.as_str(), repository.root.as_path())),
        }
    }
    if !demo {
        return Ok(());
    }
    let here = std::env::current_dir();
    if let (true, Ok(here)) = (repositories.is_empty(), &here) {
        let name = here
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or("demo");
        bare.push((name, here));
    }
    for organization in ["acme", "globex"] {
        let id = store.create_organization(organization).await?;
        for (name, root) in &bare {
            store
                .register_repository(id, organization, name, Some(Path::new(root)))
                .await?;
        }
    }
    Ok(())
}
