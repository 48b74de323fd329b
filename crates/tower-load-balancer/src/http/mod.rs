//! What is known of endpoints that speak HTTP.

mod body;
mod idempotent;
mod probe;
mod status;

pub use self::{
    body::{AtBodyEnd, ResponseBody},
    idempotent::Idempotent,
    probe::HttpProbe,
    status::HttpStatus,
};
