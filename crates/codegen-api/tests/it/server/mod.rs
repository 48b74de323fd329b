//! The server over a real database: as a service where that is enough, over a loopback socket
//! where bytes on the wire matter.

mod cache;
mod clock;
mod contract;
mod credentials;
mod faults;
mod fixture;
mod health;
mod limits;
mod lists;
mod locked;
mod properties;
mod requests;
mod runs;
mod shapes;
mod shutdown;
mod socket;
mod stuck;
mod validation;
mod webhooks;
mod wire;
