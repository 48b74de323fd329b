//! Organizations, members, runs and tokens on SQLite.

mod account;
mod administration;
mod api;
mod error;
mod json;
mod lease;
mod migrations;
mod open;
mod row;
mod run;
mod store;
mod time;
mod token;

pub use administration::NewUser;
pub use error::OpenError;
pub use open::Open;
pub use store::SqliteStore;
