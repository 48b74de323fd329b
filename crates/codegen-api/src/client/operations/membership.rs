//! Who belongs where, and whether the server is well.

use serde::{Deserialize, Serialize};

use super::part::{Part, paged, part_of_a_list};
use crate::{
    client::{
        Client,
        call::Call,
        error::FieldError,
        operation::{Operation, Query},
        pages::Paged,
    },
    model::{Extra, Organization, Page, Repository, User},
};

impl Client {
    /// Is the server well? Needs no token.
    pub fn health(&self) -> Call<Health> {
        self.call(Health)
    }

    /// The user behind the token.
    pub fn current_user(&self) -> Call<CurrentUser> {
        self.call(CurrentUser)
    }

    /// The organizations of the token.
    pub fn organizations(&self) -> Call<ListOrganizations> {
        self.call(ListOrganizations { part: Part::FIRST })
    }

    /// Members of an organization.
    pub fn users(&self, organization_id: i64) -> Call<ListUsers> {
        let part = Part::FIRST;
        self.call(ListUsers {
            organization_id,
            part,
        })
    }

    /// One member of an organization.
    pub fn user(&self, organization_id: i64, user_id: i64) -> Call<GetUser> {
        self.call(GetUser {
            organization_id,
            user_id,
        })
    }

    /// Repositories of an organization.
    pub fn repositories(&self, organization_id: i64) -> Call<ListRepositories> {
        let part = Part::FIRST;
        self.call(ListRepositories {
            organization_id,
            part,
        })
    }
}

part_of_a_list!(ListOrganizations, ListUsers, ListRepositories);

paged! {
    ListOrganizations: Organization,
    ListUsers: User,
    ListRepositories: Repository,
}

/// Answer of `GET /v1/health`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct HealthStatus {
    /// `healthy` or `degraded`.
    pub status: String,
    /// The server's version.
    #[serde(default)]
    pub version: Option<String>,
    /// What else the server says of itself.
    #[serde(flatten)]
    pub extra: Extra,
}

/// `GET /v1/health`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Health;

impl Operation for Health {
    type Output = HealthStatus;
    const NAME: &'static str = "health";
    const CACHED: bool = false;

    fn path(&self) -> String {
        "/v1/health".to_owned()
    }
}

/// `GET /v1/users/me`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CurrentUser;

impl Operation for CurrentUser {
    type Output = User;
    const NAME: &'static str = "current_user";

    fn path(&self) -> String {
        "/v1/users/me".to_owned()
    }
}

/// `GET /v1/organizations`.
#[derive(Debug, Clone)]
pub struct ListOrganizations {
    part: Part,
}

impl Operation for ListOrganizations {
    type Output = Page<Organization>;
    const NAME: &'static str = "list_organizations";

    fn path(&self) -> String {
        "/v1/organizations".to_owned()
    }

    fn query(&self, query: &mut Query<'_>) {
        self.part.query(query);
    }

    fn check(&self) -> Vec<FieldError> {
        self.part.check()
    }
}

/// `GET /v1/organizations/{org_id}/users`.
#[derive(Debug, Clone)]
pub struct ListUsers {
    organization_id: i64,
    part: Part,
}

impl Operation for ListUsers {
    type Output = Page<User>;
    const NAME: &'static str = "list_users";

    fn path(&self) -> String {
        format!("/v1/organizations/{}/users", self.organization_id)
    }

    fn query(&self, query: &mut Query<'_>) {
        self.part.query(query);
    }

    fn check(&self) -> Vec<FieldError> {
        self.part.check()
    }
}

/// `GET /v1/organizations/{org_id}/users/{user_id}`.
#[derive(Debug, Clone)]
pub struct GetUser {
    organization_id: i64,
    user_id: i64,
}

impl Operation for GetUser {
    type Output = User;
    const NAME: &'static str = "get_user";

    fn path(&self) -> String {
        format!(
            "/v1/organizations/{}/users/{}",
            self.organization_id, self.user_id
        )
    }
}

/// `GET /v1/organizations/{org_id}/repos`.
#[derive(Debug, Clone)]
pub struct ListRepositories {
    organization_id: i64,
    part: Part,
}

impl Operation for ListRepositories {
    type Output = Page<Repository>;
    const NAME: &'static str = "list_repositories";

    fn path(&self) -> String {
        format!("/v1/organizations/{}/repos", self.organization_id)
    }

    fn query(&self, query: &mut Query<'_>) {
        self.part.query(query);
    }

    fn check(&self) -> Vec<FieldError> {
        self.part.check()
    }
}
