use std::{
    collections::VecDeque,
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_core::Stream;

use super::{Error, call::Call, operation::Operation};
use crate::model::Page;

/// An operation that answers one page of a list.
pub trait Paged: Operation<Output = Page<Self::Item>> {
    /// What the list holds.
    type Item;

    /// How many entries it leaves out.
    fn position(&self) -> u64;

    /// Leaves out `entries` more.
    fn advance(&mut self, entries: u64);
}

impl<O: Paged> Call<O> {
    /// All entries from here on, asked for page by page.
    pub fn pages(self) -> Pages<O> {
        Pages {
            state: State::Idle(Box::new(self)),
            ready: VecDeque::new(),
        }
    }
}

type Fetch<O> =
    Pin<Box<dyn Future<Output = (Call<O>, Result<<O as Operation>::Output, Error>)> + Send>>;

/// All entries of a list, as a stream that asks for the next page when one is used up.
///
/// Ends after the last entry, or after the first error. An entry that appears or goes while the
/// list is read can be missed or come twice: the contract counts, it has no cursor. One box per
/// page.
pub struct Pages<O: Paged> {
    state: State<O>,
    ready: VecDeque<O::Item>,
}

enum State<O: Paged> {
    /// The next page is to be asked for.
    Idle(Box<Call<O>>),
    /// It is on its way.
    Fetching(Fetch<O>),
    Done,
}

impl<O> Stream for Pages<O>
where
    O: Paged + Clone + Send + Unpin + 'static,
    O::Item: Send + Unpin,
    O::Output: Send,
{
    type Item = Result<O::Item, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            if let Some(item) = this.ready.pop_front() {
                return Poll::Ready(Some(Ok(item)));
            }
            match &mut this.state {
                State::Done => return Poll::Ready(None),
                State::Idle(call) => {
                    let call = Call::clone(call);
                    this.state = State::Fetching(Box::pin(async move {
                        let page = call.clone().send().await;
                        (call, page)
                    }));
                }
                State::Fetching(fetch) => {
                    let (mut call, page) = ready!(fetch.as_mut().poll(cx));
                    this.state = State::Done;
                    let page = match page {
                        Ok(page) => page,
                        Err(error) => return Poll::Ready(Some(Err(error))),
                    };
                    let entries = u64::try_from(page.items.len()).unwrap_or(u64::MAX);
                    call.operation.advance(entries);
                    let total = u64::try_from(page.numbers.total).unwrap_or(0);
                    if entries > 0 && call.operation.position() < total {
                        this.state = State::Idle(Box::new(call));
                    }
                    this.ready = page.items.into();
                }
            }
        }
    }
}

impl<O: Paged> fmt::Debug for Pages<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pages")
            .field("operation", &O::NAME)
            .field("ready", &self.ready.len())
            .finish_non_exhaustive()
    }
}
