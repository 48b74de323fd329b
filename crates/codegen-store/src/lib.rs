//! Organizations, members, tokens, repositories, agent runs and their logs in one SQLite database.
//!
//! [`SqliteStore`] implements [`codegen_api::server::Store`] for the routes and
//! [`codegen_agents::RunStore`] for the runner, and has the few methods an operator needs to fill
//! it. It suits one machine: any number of processes may share a file, but not over a network file
//! system.
//!
//! ```no_run
//! use codegen_store::{NewUser, SqliteStore};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let store = SqliteStore::open("sqlite:codegen.db").await?;
//! let organization = store.create_organization("acme").await?;
//! let user = store.create_user(NewUser::new("ada")).await?;
//! # Ok(())
//! # }
//! ```
//!
//! Waiting less for other processes than the default 2 seconds, with a clock of one's own:
//!
//! ```
//! use std::time::{Duration, UNIX_EPOCH};
//!
//! use codegen_store::SqliteStore;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let store = SqliteStore::open("sqlite::memory:")
//!     .busy_timeout(Duration::from_millis(100))
//!     .clock(|| UNIX_EPOCH + Duration::from_secs(1_700_000_000))
//!     .await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Opening
//!
//! `sqlite:PATH` and `sqlite://PATH` open a file and make it when it is missing (not its
//! directory); `%3F` stands for a question mark in the path. `sqlite::memory:` is a new, private
//! database that lives as long as the store.
//!
//! Opening brings the schema up to date. The migrations are in the binary, each is applied once,
//! and a database whose applied migrations are not byte for byte the ones of this program is
//! refused, as is the database of another program.
//!
//! # What survives
//!
//! A file is kept in write-ahead mode with `synchronous = FULL`: a call that answered `Ok` survives
//! `SIGKILL` and, as far as the disk honours a flush, the loss of power. That is one flush for each
//! write. `NORMAL` would save it and lose the last answers with the power; the contract of the
//! traits doesn't allow that.
//!
//! Each call is one transaction. When it fails nothing of it is stored:
//! [`StoreError::Unavailable`](codegen_api::server::StoreError::Unavailable) when the database is
//! locked, the disk full or broken, or no connection came free in time; the same call may succeed
//! later. Everything else is [`Internal`](codegen_api::server::StoreError::Internal). A future that
//! is dropped either stored all of its call or nothing.
//!
//! # Several processes
//!
//! Processes that share a file also share its runs: every claim takes a new fence in a transaction
//! of its own, so two runners never get the same run, and what a runner writes after somebody else
//! took its run over is refused. Leases are by the wall clock of the machine. A jump of that clock
//! forward lets another runner take over early, which costs work but no correctness; a jump back
//! keeps the runs of a dead runner waiting for as long.
//!
//! # Secrets
//!
//! A token is shown once, by [`SqliteStore::create_token`]. The database holds its SHA-256 and finds
//! it by the first 8 bytes of that; whole digests are compared in constant time. Prompts, answers
//! and logs are stored as they are: protect the file.
//!
//! # Cost
//!
//! One connection writes and four read, each on a thread of its own; in memory one does both. Lists
//! count all their entries, so a page of a long list costs in proportion to the whole list. Finding
//! the next run costs in proportion to the runs that have not ended, not to all runs.

mod account;
mod administration;
mod api;
mod error;
mod json;
mod lease;
mod migrations;
mod open;
mod run;
mod store;
mod time;
mod token;

pub use administration::NewUser;
pub use error::OpenError;
pub use open::Open;
pub use store::SqliteStore;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
