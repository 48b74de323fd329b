//! Operations in retry that survive the program (feature `persist`).
//!
//! [`Journaled`] is a policy around another one. Before the delay of a retry it writes down the
//! request, how many attempts it had, and until when it may be tried; when the call is over it
//! strikes that out. After a restart [`recover`](crate::RetryLayer::recover) takes up what was not
//! struck out. A call that succeeds at its first attempt never touches the journal.
//!
//! ```
//! use std::{io, num::NonZeroU32, time::SystemTime};
//! use tower::{Layer, Service, ServiceExt, service_fn};
//! use tower_retry_backoff::{RetryLayer, Verdict};
//! use tower_retry_backoff::persist::{Codec, FileJournal, Journaled};
//!
//! /// `key text`
//! #[derive(Clone)]
//! struct Lines;
//!
//! impl Codec<String> for Lines {
//!     fn key(&self, line: &String) -> Option<String> {
//!         Some(line.split_once(' ')?.0.to_owned())
//!     }
//!
//!     fn encode(&self, line: &String) -> Option<Vec<u8>> {
//!         Some(line.clone().into_bytes())
//!     }
//!
//!     fn decode(&self, bytes: &[u8]) -> Option<String> {
//!         String::from_utf8(bytes.to_vec()).ok()
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> io::Result<()> {
//! # let directory = tempfile::tempdir()?;
//! # let path = directory.path().join("retry.journal");
//! let journal = FileJournal::open(path)?;
//! let policy = |result: Result<&(), &io::Error>| match result {
//!     Ok(()) => Verdict::Done,
//!     Err(_) => Verdict::retry(),
//! };
//! let layer = RetryLayer::new(Journaled::new(policy, Lines, journal));
//! let transport = service_fn(async |_line: String| Ok::<_, io::Error>(()));
//!
//! for operation in layer.recover(&transport, SystemTime::now())? {
//!     tokio::spawn(operation.call);
//! }
//! let mut service = layer.layer(transport);
//! service.ready().await?.call("k-1 hello".to_owned()).await?;
//! # Ok(())
//! # }
//! ```
//!
//! For requests of HTTP the feature `http` brings a codec, `http::HttpCodec`.
//!
//! # What is promised
//!
//! Of an operation with an idempotency key, once the delay of its first retry has begun:
//!
//! - It is attempted until it is finished, or until its attempts or its time are used up, however
//!   often the program is killed in between, if it is started again and calls `recover`.
//! - Every attempt carries the same request with the same idempotency key.
//! - The deadline stays where it was, by the wall clock.
//!
//! # What is not promised
//!
//! - *Exactly once.* An attempt during which the program is killed does not count, and is made
//!   again; so is an operation that was finished but not yet struck out. The idempotency key is what
//!   makes this harmless, at an upstream that honours it.
//! - *First attempts.* A call that is killed before it has failed once was never written down.
//! - *The answer.* Whoever made the call is gone; the result of a recovered one is that of its
//!   future.
//! - *Calls that are dropped.* The journal cannot tell a caller that has lost interest from a
//!   program that ends: the operation stays pending, and is taken up at the next start if its time
//!   is not over. For one that must not be, call [`Journal::finish`].
//! - *Loss of power.* [`FileJournal`] does not wait for the device. A [`Journal`] of your own may.
//! - *A journal that fails.* The call goes on without it; [`Journaled::unwritten`] counts.
//! - *The budget.* The retry that was waited for was paid for in the run before.
//!
//! # Cost
//!
//! A call that succeeds at its first attempt: nothing. A retry: the encoding of the request the
//! first time, one write under a lock, blocking, each time; one at the end.

mod codec;
mod file;
mod journal;
mod live;
mod log;
mod memory;
mod policy;
mod recover;

pub use codec::Codec;
pub use file::FileJournal;
pub use journal::{Entry, Journal};
pub use memory::MemoryJournal;
pub use policy::{JournalTag, Journaled};
pub use recover::Recovered;
