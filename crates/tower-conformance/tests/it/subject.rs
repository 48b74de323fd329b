use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use tower_conformance::{Failure, Law, Probe, Subject, check};
use tower_service::Service;

pub(crate) type Boxed = Pin<Box<dyn Future<Output = Result<(), Failure>> + Send>>;

/// What a layer made for these tests counts of its own.
#[derive(Debug, Clone, Default)]
pub(crate) struct Gauge(Arc<AtomicUsize>);

impl Gauge {
    pub(crate) fn raise(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn lower(&self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }

    pub(crate) fn raised(&self) -> Raised {
        self.raise();
        Raised(self.clone())
    }

    pub(crate) fn value(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

/// Lowers the gauge on drop.
#[derive(Debug)]
pub(crate) struct Raised(Gauge);

impl Drop for Raised {
    fn drop(&mut self) {
        self.0.lower();
    }
}

/// A layer as a function, and its gauge if it has one.
pub(crate) struct Stack<F> {
    build: F,
    /// The gauge of the stack built last; each stack has its own.
    gauge: Mutex<Gauge>,
}

/// A subject without state of its own.
pub(crate) fn stack<F, T>(build: F) -> Stack<impl Fn(Probe<()>, Gauge) -> T>
where
    F: Fn(Probe<()>) -> T,
{
    stack_with_gauge(move |inner, _| build(inner))
}

/// A subject that counts what it holds.
pub(crate) fn stack_with_gauge<F, T>(build: F) -> Stack<F>
where
    F: Fn(Probe<()>, Gauge) -> T,
{
    Stack {
        build,
        gauge: Mutex::default(),
    }
}

impl<F, T> Subject for Stack<F>
where
    F: Fn(Probe<()>, Gauge) -> T + 'static,
    T: Service<()> + Clone,
{
    type Request = ();
    type Response = ();
    type Service = T;

    fn service(&self, inner: Probe<()>) -> T {
        let gauge = Gauge::default();
        *self.gauge.lock().expect("not poisoned") = gauge.clone();
        (self.build)(inner, gauge)
    }

    fn request(&self) {}

    fn response() {}

    fn held(&self, _: &T) -> usize {
        self.gauge.lock().expect("not poisoned").value()
    }
}

pub(crate) async fn broken_laws(subject: &impl Subject) -> Vec<Law> {
    match check(subject).await {
        Ok(()) => Vec::new(),
        Err(violations) => {
            // Seen only when the test fails.
            println!("{violations}");
            violations.iter().map(|violation| violation.law).collect()
        }
    }
}
