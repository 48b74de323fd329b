//! Sending a streaming body again.

mod body;
mod error;
mod policy;

pub use body::ReplayBody;
pub use error::ReplayError;
pub use policy::Replaying;
