use std::{
    net::IpAddr,
    sync::{Arc, PoisonError, RwLock},
};

use http::{Extensions, Request};

use super::{client::ClientAddress, networks::Networks};
use crate::{Policy, Rejection};

/// Which addresses may pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressLists {
    /// `None` is everybody.
    allowed: Option<Networks>,
    denied: Networks,
}

impl AddressLists {
    /// These and no others. An empty list lets nobody pass.
    #[must_use]
    pub fn allow(networks: Networks) -> Self {
        Self {
            allowed: Some(networks),
            denied: Networks::default(),
        }
    }

    /// All but these.
    #[must_use]
    pub const fn deny(networks: Networks) -> Self {
        Self {
            allowed: None,
            denied: networks,
        }
    }

    /// Except these, whatever the other list says. Replaces a list of exceptions given before.
    #[must_use]
    pub fn except(mut self, networks: Networks) -> Self {
        self.denied = networks;
        self
    }

    /// Whether `address` may pass.
    #[must_use]
    pub fn allows(&self, address: IpAddr) -> bool {
        let allowed = self.allowed.as_ref();
        allowed.is_none_or(|allowed| allowed.contains(address)) && !self.denied.contains(address)
    }
}

/// Changes the lists of a [`RequireAddress`] while it is at work. Clones change the same.
#[derive(Debug, Clone)]
pub struct AddressHandle {
    lists: Arc<RwLock<Arc<AddressLists>>>,
}

impl AddressHandle {
    /// From the next request on, these are the lists. The old ones are dropped.
    pub fn replace(&self, lists: AddressLists) {
        // Poisoned or not, there is a whole pair of lists behind it.
        *self.lists.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(lists);
    }

    /// The lists as they are.
    #[must_use]
    pub fn lists(&self) -> Arc<AddressLists> {
        Arc::clone(&self.lists.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Lets clients pass by their address. One that isn't known isn't let pass, whichever lists there
/// are.
#[derive(Debug, Clone)]
pub struct RequireAddress<P> {
    client: ClientAddress<P>,
    handle: AddressHandle,
}

impl<P> RequireAddress<P> {
    /// Holds the address that `client` finds against `lists`.
    #[must_use]
    pub fn new(client: ClientAddress<P>, lists: AddressLists) -> Self {
        Self {
            client,
            handle: AddressHandle {
                lists: Arc::new(RwLock::new(Arc::new(lists))),
            },
        }
    }

    /// To change the lists later.
    #[must_use]
    pub fn handle(&self) -> AddressHandle {
        self.handle.clone()
    }
}

impl<P, B> Policy<B> for RequireAddress<P>
where
    P: Fn(&Extensions) -> Option<IpAddr>,
{
    fn check(&self, request: &mut Request<B>) -> Result<(), Rejection> {
        let address = self.client.find(request).ok_or(Rejection::AddressUnknown)?;
        if self.handle.lists().allows(address) {
            Ok(())
        } else {
            Err(Rejection::AddressRefused)
        }
    }
}
