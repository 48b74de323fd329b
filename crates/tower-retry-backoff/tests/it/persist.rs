use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex},
    time::{SystemTime, UNIX_EPOCH},
};

use tokio::time::Instant;
use tower::{Layer, Service, ServiceExt};
use tower_retry_backoff::{
    Backoff, RetryLayer, Verdict,
    persist::{Codec, Entry, Journal, Journaled, MemoryJournal},
};

use crate::upstream::{Failure, Upstream, attempts, judge, ms, secs, send};

/// A request is its key; one in capitals is not to be written down.
#[derive(Debug, Clone)]
struct Keys;

impl Codec<String> for Keys {
    fn key(&self, request: &String) -> Option<String> {
        (request.to_lowercase() == *request).then(|| request.clone())
    }

    fn encode(&self, request: &String) -> Option<Vec<u8>> {
        Some(request.clone().into_bytes())
    }

    fn decode(&self, bytes: &[u8]) -> Option<String> {
        String::from_utf8(bytes.to_vec()).ok()
    }
}

type Judge = fn(Result<&(), &Failure>) -> Verdict;
type Plain = Upstream<String, ()>;

fn layer<J>(journal: J) -> RetryLayer<Journaled<Judge, Keys, J>> {
    RetryLayer::new(Journaled::new(judge as Judge, Keys, journal))
        .backoff(Backoff::fixed(ms(10)))
        .seed(1)
}

/// As an earlier run of the program left it; times are in seconds from `now()`.
pub(crate) fn left(key: &str, attempts: u32, due: u64, deadline: u64) -> Entry {
    Entry {
        key: key.to_owned(),
        request: key.to_owned().into_bytes(),
        attempts,
        due: now() + secs(due),
        deadline: now() + secs(deadline),
    }
}

pub(crate) fn now() -> SystemTime {
    UNIX_EPOCH + secs(600)
}

pub(crate) fn keys(journal: &impl Journal) -> Vec<String> {
    let pending = journal.pending().unwrap();
    pending.into_iter().map(|entry| entry.key).collect()
}

#[tokio::test(start_paused = true)]
async fn an_operation_in_retry_is_in_the_journal_until_it_is_finished() {
    for last in [Ok(()), Err(Failure::Lasting)] {
        let journal = MemoryJournal::default();
        let (first, second) = (Failure::Hinted(secs(2)), Failure::Hinted(secs(3)));
        let upstream = Plain::new([Err(first), Err(second), last]);
        let mut service = layer(journal.clone()).layer(upstream);
        let call = tokio::spawn(service.ready().await.unwrap().call("k".to_owned()));
        let before = SystemTime::now();

        for attempts in [1, 2] {
            tokio::time::sleep(secs(1)).await;
            let [entry] = &journal.pending().unwrap()[..] else {
                panic!("one operation");
            };
            assert_eq!((&*entry.key, &*entry.request), ("k", &b"k"[..]));
            assert_eq!(entry.attempts, attempts);
            assert!(before + secs(2) <= entry.due && entry.due < entry.deadline);
            tokio::time::sleep(secs(2)).await;
        }
        assert_eq!(call.await.unwrap(), last);
        assert_eq!(keys(&journal), [""; 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_without_a_retry_never_touches_the_journal() {
    let policy = Journaled::new(judge as Judge, Keys, Broken);
    let too_long = Err(Failure::Hinted(secs(99)));
    let upstream = Plain::new([Ok(()), Err(Failure::Lasting), too_long]);
    let mut service = RetryLayer::new(policy.clone()).layer(upstream);
    for _ in 0..3 {
        let _ = send(&mut service, "k".to_owned()).await;
    }
    assert_eq!(policy.unwritten(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_request_without_a_key_is_retried_and_not_written_down() {
    let policy = Journaled::new(judge as Judge, Keys, Broken);
    let upstream = Plain::new([Err(Failure::Passing), Ok(())]);
    let mut service = RetryLayer::new(policy.clone()).layer(upstream);
    assert_eq!(send(&mut service, "K".to_owned()).await, Ok(()));
    assert_eq!(policy.unwritten(), 0);
}

#[derive(Clone)]
struct Broken;

impl Journal for Broken {
    fn begin(&self, _: &Entry) -> io::Result<()> {
        Err(io::ErrorKind::StorageFull.into())
    }

    fn retry(&self, _: &str, _: u32, _: SystemTime) -> io::Result<()> {
        unreachable!("it never began")
    }

    fn finish(&self, _: &str) -> io::Result<()> {
        unreachable!("it never began")
    }

    fn pending(&self) -> io::Result<Vec<Entry>> {
        Err(io::ErrorKind::NotFound.into())
    }
}

#[tokio::test(start_paused = true)]
async fn a_journal_that_fails_is_counted_and_the_call_goes_on() {
    let policy = Journaled::new(judge as Judge, Keys, Broken);
    let upstream = Plain::new([Err(Failure::Passing), Err(Failure::Passing), Ok(())]);
    let layer = RetryLayer::new(policy.clone());
    let result = send(&mut layer.layer(upstream.clone()), "k".to_owned()).await;
    assert_eq!((result, policy.unwritten()), (Ok(()), 2));
    assert!(layer.recover(&upstream, now()).is_err());
}

#[tokio::test(start_paused = true)]
async fn a_dropped_call_stays_pending() {
    let journal = MemoryJournal::default();
    let upstream = Plain::new([Err(Failure::Hinted(secs(5)))]);
    let mut service = layer(journal.clone()).layer(upstream);
    let call = service.ready().await.unwrap().call("k".to_owned());
    assert!(tokio::time::timeout(secs(1), call).await.is_err());
    assert_eq!(keys(&journal), ["k"]);
}

#[tokio::test(start_paused = true)]
async fn an_operation_is_taken_up_when_it_is_due_with_the_attempts_it_has_left() {
    let journal = MemoryJournal::default();
    journal.begin(&left("k", 2, 7, 20)).unwrap();
    let upstream = Plain::new([Err(Failure::Passing), Err(Failure::Passing)]);
    let layer = layer(journal.clone()).max_attempts(attempts(4));
    let began = Instant::now();
    let operation = layer.recover(&upstream, now()).unwrap().pop().unwrap();

    assert_eq!(operation.key, "k");
    assert_eq!(operation.call.await, Err(Failure::Passing));
    assert_eq!(upstream.requests(), ["k", "k"]);
    assert!(secs(7) <= upstream.times()[0] && began.elapsed() < secs(8));
    assert_eq!(keys(&journal), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn an_operation_that_is_taken_up_keeps_its_deadline() {
    for (time_left, made) in [(10, 1), (11, 2)] {
        let journal = MemoryJournal::default();
        journal.begin(&left("k", 1, 3, time_left)).unwrap();
        // Fails 5 s from the start, and would be retried 5 s later.
        let upstream = Plain::new([Err(Failure::Hinted(secs(5))), Ok(())]).latency(secs(2));
        let operation = layer(journal).recover(&upstream, now()).unwrap().pop();
        let result = operation.unwrap().call.await;
        assert_eq!(upstream.times().len(), made);
        assert_eq!(result.is_ok(), made == 2);
    }
}

#[tokio::test(start_paused = true)]
async fn no_operation_gets_more_time_than_the_layer_gives() {
    let journal = MemoryJournal::default();
    // As if the clock had been set back by a year.
    journal
        .begin(&left("k", 1, 31_000_000, 31_000_030))
        .unwrap();
    let upstream = Plain::new([Err(Failure::Hinted(secs(20)))]).latency(secs(15));
    let operation = layer(journal).recover(&upstream, now()).unwrap().pop();
    assert!(operation.unwrap().call.await.is_err());
    assert!(upstream.times()[0] < ms(20));
}

#[tokio::test(start_paused = true)]
async fn overdue_operations_do_not_start_all_at_once() {
    let journal = MemoryJournal::default();
    for key in 0..100 {
        journal.begin(&left(&format!("k{key}"), 1, 0, 60)).unwrap();
    }
    let upstream = Plain::new((0..100).map(|_| Ok(())));
    let layer = layer(journal.clone()).backoff(Backoff::fixed(secs(10)));
    for operation in layer.recover(&upstream, now() + secs(1)).unwrap() {
        tokio::spawn(operation.call);
    }
    tokio::time::sleep(secs(11)).await;
    let times = upstream.times();
    assert_eq!(times.len(), 100);
    for half in [secs(0)..secs(5), secs(5)..secs(11)] {
        let started = times.iter().filter(|time| half.contains(time)).count();
        assert!((30..=70).contains(&started), "{started}");
    }
    assert_eq!(keys(&journal), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn what_is_over_is_struck_out_and_what_cannot_be_read_is_left() {
    let journal = MemoryJournal::default();
    journal.begin(&left("expired", 1, 1, 5)).unwrap();
    journal.begin(&left("used-up", 3, 1, 50)).unwrap();
    let mut strange = left("strange", 1, 1, 50);
    strange.request = vec![0xff];
    journal.begin(&strange).unwrap();
    let upstream = Plain::new([]);
    let recovered = |at| layer(journal.clone()).recover(&upstream, at).unwrap().len();

    assert_eq!(recovered(now() + secs(5)), 0);
    assert_eq!(keys(&journal), ["strange"]);
    assert_eq!(recovered(now() + secs(50)), 0);
    assert_eq!(keys(&journal), [""; 0]);
}

/// Ends the program at one of its writes, before or after it is done.
#[derive(Clone)]
struct Killer {
    journal: MemoryJournal,
    writes_left: Arc<Mutex<usize>>,
    done: bool,
}

impl Killer {
    fn write(&self, write: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        let mut left = self.writes_left.lock().unwrap();
        assert_ne!(*left, usize::MAX, "it runs after it was killed");
        if *left > 0 {
            *left -= 1;
            return write();
        }
        *left = usize::MAX;
        drop(left);
        if self.done {
            write()?;
        }
        // Not a panic: that would print its message each time.
        std::panic::resume_unwind(Box::new("killed"));
    }
}

impl Journal for Killer {
    fn begin(&self, entry: &Entry) -> io::Result<()> {
        self.write(|| self.journal.begin(entry))
    }

    fn retry(&self, key: &str, attempts: u32, due: SystemTime) -> io::Result<()> {
        self.write(|| self.journal.retry(key, attempts, due))
    }

    fn finish(&self, key: &str) -> io::Result<()> {
        self.write(|| self.journal.finish(key))
    }

    fn pending(&self) -> io::Result<Vec<Entry>> {
        self.journal.pending()
    }
}

/// Fails twice for each key, then does what it is asked, and counts.
#[derive(Clone, Default)]
struct Idempotent(Arc<Mutex<BTreeMap<String, u32>>>);

impl Idempotent {
    fn attempt(&self, key: String) -> Result<(), Failure> {
        let mut attempts = self.0.lock().unwrap();
        let attempts = attempts.entry(key).or_default();
        *attempts += 1;
        if *attempts < 3 {
            Err(Failure::Passing)
        } else {
            Ok(())
        }
    }
}

#[tokio::test(start_paused = true)]
async fn killed_at_any_write_every_operation_once_begun_is_completed() {
    for killed_at in 0..9 {
        for done in [false, true] {
            let journal = MemoryJournal::default();
            let server = Idempotent::default();
            let upstream = {
                let server = server.clone();
                tower::service_fn(move |key| std::future::ready(server.attempt(key)))
            };
            let killer = Killer {
                journal: journal.clone(),
                writes_left: Arc::new(Mutex::new(killed_at)),
                done,
            };
            let first_run = layer(killer);
            // Three writes each: before the first and the second retry, and at the end.
            for key in 0..3 {
                let mut service = first_run.layer(upstream.clone());
                let call = service.ready().await.unwrap().call(format!("k{key}"));
                if tokio::spawn(call).await.is_err() {
                    break;
                }
            }
            let started = server.0.lock().unwrap().len();
            assert_eq!(started, killed_at / 3 + 1);

            let second_run = layer(journal.clone());
            for operation in second_run.recover(&upstream, SystemTime::now()).unwrap() {
                assert_eq!(operation.call.await, Ok(()));
            }
            assert_eq!(keys(&journal), [""; 0]);
            let last = format!("k{}", started - 1);
            for (key, attempts) in server.0.lock().unwrap().iter() {
                let expected = match (*key == last, killed_at % 3, done) {
                    // Never written down.
                    (true, 0, false) => 1,
                    // Done, and not yet struck out.
                    (true, 2, false) => 4,
                    _ => 3,
                };
                assert_eq!(*attempts, expected, "{key}: {killed_at} {done}");
            }
        }
    }
}

#[test]
fn requests_are_not_shown() {
    let shown = format!("{:?}", left("k", 1, 1, 1));
    assert!(
        shown.contains("\"k\"") && !shown.contains("request"),
        "{shown}"
    );
}

#[cfg(feature = "http")]
mod http {
    use ::http::{HeaderValue, Request};
    use tower_retry_backoff::{http::HttpCodec, persist::Codec};

    fn codec() -> impl Codec<Request<Vec<u8>>> {
        HttpCodec::new(|body: &Vec<u8>| Some(body.clone()), |body| body)
    }

    #[test]
    fn a_request_comes_back_as_it_was_without_its_secrets() {
        let mut secret = HeaderValue::from_static("s");
        secret.set_sensitive(true);
        let request = Request::put("https://example.com/a?b=c%20d")
            .header("idempotency-key", "k-1")
            .header("x-twice", "1")
            .header("x-twice", HeaderValue::from_bytes(b"\xff:2").unwrap())
            .header("x-empty", "")
            .header("authorization", "Bearer t")
            .header("cookie", "c")
            .header("x-secret", secret)
            .body(b"line\r\n\r\n\x00".to_vec())
            .unwrap();
        let bytes = codec().encode(&request).unwrap();
        let again = codec().decode(&bytes).unwrap();

        assert_eq!(codec().key(&request).as_deref(), Some("k-1"));
        assert_eq!(again.method(), request.method());
        assert_eq!(again.uri(), request.uri());
        assert_eq!(again.body(), request.body());
        let mut expected = request.headers().clone();
        for name in ["authorization", "cookie", "x-secret"] {
            expected.remove(name);
        }
        assert_eq!(*again.headers(), expected);
        // What is cut off has no end of its head.
        let head = bytes.len() - request.body().len();
        assert!((0..head).all(|length| codec().decode(&bytes[..length]).is_none()));
    }

    #[test]
    fn a_request_without_a_key_is_not_written_down() {
        assert_eq!(codec().key(&Request::new(Vec::new())), None);
        let empty = Request::get("/").header("idempotency-key", "");
        assert_eq!(codec().key(&empty.body(Vec::new()).unwrap()), None);
    }
}
