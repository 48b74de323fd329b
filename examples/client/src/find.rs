//! What the caller left out or said by name.

use std::{future::poll_fn, pin::Pin};

use codegen_api::client::Client;
use futures_core::Stream;

use crate::failure::Failure;

/// The next entry of a list.
pub(crate) async fn next<S: Stream + Unpin>(list: &mut S) -> Option<S::Item> {
    poll_fn(|cx| Pin::new(&mut *list).poll_next(cx)).await
}

/// The only organization of the token.
pub(crate) async fn organization(client: &Client) -> Result<i64, Failure> {
    let mut pages = client.organizations().pages();
    let mut organizations = Vec::new();
    while let Some(organization) = next(&mut pages).await {
        organizations.push(organization?);
    }
    match organizations.as_slice() {
        [] => Err(Failure::NoOrganization),
        [only] => Ok(only.id),
        _ => Err(Failure::SeveralOrganizations(organizations)),
    }
}

/// The repository with this full name, or else the only one with this name.
pub(crate) async fn repository(
    client: &Client,
    organization: i64,
    name: &str,
) -> Result<i64, Failure> {
    let mut pages = client.repositories(organization).pages();
    let mut named = Vec::new();
    let mut known = Vec::new();
    while let Some(repository) = next(&mut pages).await {
        let repository = repository?;
        if repository.full_name == name {
            return Ok(repository.id);
        }
        if repository.name == name {
            named.push(repository);
        } else {
            known.push(repository.full_name);
        }
    }
    let name = name.to_owned();
    match named.as_slice() {
        [] => Err(Failure::UnknownRepository { name, known }),
        [only] => Ok(only.id),
        several => {
            let full = several.iter().map(|one| one.full_name.clone()).collect();
            Err(Failure::SeveralRepositories { name, full })
        }
    }
}
