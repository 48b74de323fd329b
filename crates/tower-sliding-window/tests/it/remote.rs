use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::sleep;
use tower_sliding_window::{Adjust, Admission, Charge, Denied, MemoryStore, Store, Usage};

/// Decides after a while, as a store across a network does.
#[derive(Clone)]
pub(crate) struct Remote(MemoryStore<u32>);

impl Remote {
    pub(crate) fn new() -> Self {
        Self(MemoryStore::new())
    }
}

pub(crate) struct Answer(Pin<Box<dyn Future<Output = Result<Admission, Denied>> + Send>>);

impl Remote {
    pub(crate) fn usage(&self, key: &u32) -> Option<Usage> {
        self.0.usage(key)
    }
}

impl Adjust<u32> for Remote {
    fn charge(&self, charge: Charge<'_, u32>) {
        Adjust::charge(&self.0, charge);
    }

    fn refund(&self, charge: Charge<'_, u32>, stamp: u64) {
        Adjust::refund(&self.0, charge, stamp);
    }
}

impl Store<u32> for Remote {
    type Admit = Answer;

    fn admit(&self, charge: Charge<'_, u32>) -> Answer {
        let Charge { key, quota, .. } = charge;
        let (store, key) = (self.0.clone(), *key);
        Answer(Box::pin(async move {
            sleep(Duration::from_millis(1)).await;
            store.admit(Charge::new(&key, quota)).await
        }))
    }
}

impl Future for Answer {
    type Output = Result<Admission, Denied>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx)
    }
}
