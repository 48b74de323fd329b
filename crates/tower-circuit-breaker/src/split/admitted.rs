use std::{
    fmt,
    ops::{Deref, DerefMut},
    sync::Arc,
};

use crate::{Verdict, circuit::Circuit, pass::Link, permit::Permit, state::Refusal};

/// A request that a [`Gate`](crate::Gate) let pass, on its way to [`Observe`](crate::Observe).
///
/// It derefs to the request, for whoever stands between and looks at it. Dropped on the way it says
/// nothing about the service, and a probe gives its slot back.
#[derive(Debug)]
pub struct Admitted<Request> {
    request: Request,
    ticket: Ticket,
}

impl<Request> Admitted<Request> {
    pub(super) fn new(request: Request, permit: Permit, link: Arc<Link<()>>) -> Self {
        let permit = Some(permit);
        Self {
            request,
            ticket: Ticket { permit, link },
        }
    }

    /// The request, and the permit if the circuit still lets it pass.
    pub(super) fn redeem(self, circuit: &Arc<Circuit>) -> (Request, Result<Permit, Refusal>) {
        (self.request, self.ticket.redeem(circuit))
    }
}

impl<Request> Deref for Admitted<Request> {
    type Target = Request;

    fn deref(&self) -> &Request {
        &self.request
    }
}

impl<Request> DerefMut for Admitted<Request> {
    fn deref_mut(&mut self) -> &mut Request {
        &mut self.request
    }
}

struct Ticket {
    permit: Option<Permit>,
    link: Arc<Link<()>>,
}

impl Ticket {
    fn redeem(mut self, circuit: &Arc<Circuit>) -> Result<Permit, Refusal> {
        if let Some(permit) = self.permit
            && Arc::ptr_eq(&self.link.circuit, circuit)
            && circuit.is_current(permit)
        {
            self.permit = None;
            return Ok(circuit.restart(permit));
        }
        // The circuit opened meanwhile, or is another one: it decides anew.
        circuit.admit()
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if let Some(permit) = self.permit.take() {
            self.link.circuit.settle(permit, Verdict::Ignore, None);
        }
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Ticket").field(&self.permit).finish()
    }
}
