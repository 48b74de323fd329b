//! From where.

mod client;
mod lists;
mod network;
mod networks;

pub use self::{
    client::ClientAddress,
    lists::{AddressHandle, AddressLists, RequireAddress},
    network::{Network, NetworkError},
    networks::{Networks, NetworksError},
};
