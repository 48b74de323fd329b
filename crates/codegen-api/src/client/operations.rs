//! The operations of the contract, and the methods of [`Client`](super::Client) that start them.

mod membership;
mod part;
mod runs;

pub use membership::{
    CurrentUser, GetUser, Health, HealthStatus, ListOrganizations, ListRepositories, ListUsers,
};
pub use runs::{CreateRun, GetRun, GetRunLogs, ListRuns, ResumeRun};
