use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use super::Admitted;
use crate::{circuit::Circuit, door::Door, error::Error, pass::Link, state::Refusal};

/// Puts a [`Gate`] in front of a service. Made by
/// [`CircuitBreakerLayer::split`](crate::CircuitBreakerLayer::split).
#[derive(Clone)]
pub struct GateLayer {
    circuit: Arc<Circuit>,
}

impl GateLayer {
    pub(crate) fn new(circuit: Arc<Circuit>) -> Self {
        Self { circuit }
    }
}

impl<S> Layer<S> for GateLayer {
    type Service = Gate<S>;

    fn layer(&self, inner: S) -> Gate<S> {
        Gate::new(inner, Arc::clone(&self.circuit))
    }
}

impl fmt::Debug for GateLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("GateLayer").field(&self.circuit).finish()
    }
}

/// The half of a breaker that refuses calls and judges nothing. See
/// [`CircuitBreakerLayer::split`](crate::CircuitBreakerLayer::split).
pub struct Gate<S> {
    inner: S,
    link: Arc<Link<()>>,
    door: Door,
}

impl<S> Gate<S> {
    fn new(inner: S, circuit: Arc<Circuit>) -> Self {
        Self {
            inner,
            link: Arc::new(Link {
                circuit,
                classifier: Arc::new(()),
            }),
            door: Door::default(),
        }
    }
}

impl<S, Request> Service<Request> for Gate<S>
where
    S: Service<Admitted<Request>>,
{
    type Response = S::Response;
    type Error = Error<S::Error>;
    type Future = GateFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        if ready!(self.door.poll(&self.link.circuit, cx)) {
            ready!(self.inner.poll_ready(cx)).map_err(Error::Inner)?;
        }
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let kind = match self.door.admit(&self.link.circuit) {
            Ok(permit) => {
                let admitted = Admitted::new(request, permit, Arc::clone(&self.link));
                let inner = self.inner.call(admitted);
                Kind::Admitted { inner }
            }
            Err(refusal) => Kind::Refused { refusal },
        };
        GateFuture { kind }
    }
}

// By hand: a clone starts without knowing its inner service ready.
impl<S: Clone> Clone for Gate<S> {
    fn clone(&self) -> Self {
        Self::new(self.inner.clone(), Arc::clone(&self.link.circuit))
    }
}

impl<S: fmt::Debug> fmt::Debug for Gate<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate")
            .field("inner", &self.inner)
            .field("circuit", &self.link.circuit)
            .finish_non_exhaustive()
    }
}

pin_project! {
    /// Response future of [`Gate`].
    #[derive(Debug)]
    pub struct GateFuture<F> {
        #[pin]
        kind: Kind<F>,
    }
}

pin_project! {
    #[project = KindProj]
    #[derive(Debug)]
    enum Kind<F> {
        // Polls the inner service.
        Admitted {
            #[pin]
            inner: F,
        },
        // Ready.
        Refused {
            refusal: Refusal,
        },
    }
}

impl<F, Response, E> Future for GateFuture<F>
where
    F: Future<Output = Result<Response, E>>,
{
    type Output = Result<Response, Error<E>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().kind.project() {
            KindProj::Admitted { inner } => inner.poll(cx).map_err(Error::Inner),
            KindProj::Refused { refusal } => Poll::Ready(Err(Error::open(*refusal))),
        }
    }
}
