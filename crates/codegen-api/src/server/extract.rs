//! Readers for path, query and body that refuse with every fault at once, as 422.

mod body;
mod path;
mod query;

pub(crate) use body::Json;
pub(crate) use path::{RunId, Scope, UserId, path_integer, required_path_integer};
pub(crate) use query::{ListQuery, LogQuery, RunQuery};

const NOT_AN_INTEGER: &str =
    "Input should be a valid integer, unable to parse string as an integer";
