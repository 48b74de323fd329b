use std::{future::poll_fn, pin::pin, sync::Arc, task::Poll};

use tower_service::Service;

use crate::{
    Control, Law, Ledger, Probe, Subject, Violation,
    drive::{self, Bell, Panicked, Stopped},
};

type ErrorOf<S> = <<S as Subject>::Service as Service<<S as Subject>::Request>>::Error;
type FutureOf<S> = <<S as Subject>::Service as Service<<S as Subject>::Request>>::Future;

/// A fresh stack in one situation, and what was held before anything happened.
pub(crate) struct Stage<'a, S: Subject> {
    subject: &'a S,
    law: Law,
    when: &'a str,
    pub(crate) inner: Control,
    /// Never polled; shares the layer's state, and outlives the services under test.
    pub(crate) witness: S::Service,
    at_rest: Holdings,
}

/// What the inner service and the layer hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Holdings {
    pub(crate) permits: usize,
    pub(crate) futures: usize,
    pub(crate) by_layer: usize,
}

impl std::fmt::Display for Holdings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} permits and {} futures of the inner service, {} of the layer's own",
            self.permits, self.futures, self.by_layer
        )
    }
}

impl<'a, S: Subject> Stage<'a, S> {
    /// The stage, and the service to use on it.
    pub(crate) async fn set(subject: &'a S, law: Law, when: &'a str) -> (Self, S::Service) {
        drive::ask_for_a_paused_clock();
        let (probe, inner) = Probe::new(S::response);
        let mut service = subject.service(probe);
        subject.prepare(&mut service, &inner).await;
        let witness = service.clone();
        drive::settle().await;
        let mut stage = Self {
            subject,
            law,
            when,
            inner,
            witness,
            at_rest: Holdings {
                permits: 0,
                futures: 0,
                by_layer: 0,
            },
        };
        stage.at_rest = stage.held();
        (stage, service)
    }

    pub(crate) fn held(&self) -> Holdings {
        let Ledger {
            permits, futures, ..
        } = self.inner.ledger();
        Holdings {
            permits,
            futures,
            by_layer: self.subject.held(&self.witness),
        }
    }

    pub(crate) fn at_rest(&self) -> Holdings {
        self.at_rest
    }

    pub(crate) fn violation(&self, what: impl Into<String>) -> Violation {
        Violation::new(self.law, self.when, what)
    }

    /// That `what` has `stopped`, as a violation.
    pub(crate) fn stopped(&self, what: &str, stopped: &Stopped) -> Violation {
        self.violation(format!("{what} {stopped}"))
    }

    /// Polls `service` once.
    pub(crate) fn poll_ready(
        &self,
        service: &mut S::Service,
        bell: &Arc<Bell>,
    ) -> Result<Poll<Result<(), ErrorOf<S>>>, Panicked> {
        drive::poll_once(pin!(poll_fn(|cx| service.poll_ready(cx))), bell)
    }

    /// Polls `service` until it is ready; `false` when it failed.
    pub(crate) async fn ready(&self, service: &mut S::Service) -> Result<bool, Stopped> {
        let ready = drive::finish(pin!(poll_fn(|cx| service.poll_ready(cx)))).await?;
        Ok(ready.is_ok())
    }

    /// Polls `service` until it is ready; failing is a violation.
    pub(crate) async fn must_be_ready(&self, service: &mut S::Service) -> Result<(), Violation> {
        match self.ready(service).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(self.violation(
                "poll_ready failed although the inner service is ready; limited, open and full \
                 are errors of the call",
            )),
            Err(stopped) => Err(self.stopped("poll_ready", &stopped)),
        }
    }

    /// Calls `service`, which must be ready.
    pub(crate) fn call(&self, service: &mut S::Service) -> Result<FutureOf<S>, Panicked> {
        let request = self.subject.request();
        drive::catch(|| service.call(request))
    }

    /// Calls `service`; a panic is a violation.
    pub(crate) fn must_call(&self, service: &mut S::Service) -> Result<FutureOf<S>, Violation> {
        self.call(service)
            .map_err(|panicked| self.stopped("call", &Stopped::Panicked(panicked)))
    }

    /// Readies and calls `service` and waits for the end, whatever that is.
    pub(crate) async fn must_finish_a_call(
        &self,
        service: &mut S::Service,
    ) -> Result<(), Violation> {
        self.must_be_ready(service).await?;
        let future = self.must_call(service)?;
        self.must_finish(future).await
    }

    /// Waits for the end of `future`, whatever that is.
    pub(crate) async fn must_finish(&self, future: FutureOf<S>) -> Result<(), Violation> {
        match drive::finish(pin!(future)).await {
            Ok(_) => Ok(()),
            Err(stopped) => Err(self.stopped("the future", &stopped)),
        }
    }

    /// Nothing is held but `due`, once spawned tasks have come to rest; `after` says what happened.
    pub(crate) async fn must_hold(&self, due: Holdings, after: &str) -> Result<(), Violation> {
        drive::settle().await;
        let held = self.held();
        if held == due {
            return Ok(());
        }
        Err(self.violation(format!("{after}; held: {held}; due: {due}")))
    }
}
