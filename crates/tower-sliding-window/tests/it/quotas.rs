use std::{convert::Infallible, time::Duration};

use tokio::time::{Instant, advance};
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_sliding_window::{KeyExtractor, Quota, QuotaTable, RateLimitLayer, Wait};

use crate::oracle::{most_in_any_window, nanos, quota};

const SECOND: Duration = Duration::from_secs(1);

fn by_itself(key: &char) -> Option<char> {
    Some(*key)
}

async fn echo(key: char) -> Result<char, Infallible> {
    Ok(key)
}

#[tokio::test(start_paused = true)]
async fn quotas_set_at_run_time_judge_what_was_used_before() {
    let table = QuotaTable::new(quota(2, SECOND));
    let layer = RateLimitLayer::new(by_itself, table.clone());
    let handle = layer.handle();
    let mut service = layer.layer(service_fn(echo));
    let mut admitted = async |key, times| {
        let mut admitted = 0;
        for _ in 0..times {
            admitted += u32::from(service.ready().await.unwrap().call(key).await.is_ok());
        }
        admitted
    };
    assert_eq!(admitted('a', 5).await, 2);
    table.set('a', quota(3, SECOND));
    assert_eq!(admitted('a', 5).await, 1);
    assert_eq!(admitted('b', 5).await, 2);

    // Lowered: not before enough has expired, which is more than the oldest.
    table.set('a', quota(1, SECOND));
    assert_eq!(admitted('a', 1).await, 0);
    assert_eq!(handle.usage(&'a').unwrap().next_admission, SECOND);
    assert_eq!(handle.usage(&'a').unwrap().percentage(), 300.0);

    table.set('a', [] as [Quota; 0]);
    assert_eq!(admitted('a', 100).await, 100);
    assert!(table.unset(&'a'));
    assert!(!table.unset(&'a'));
    table.set_everybody([quota(4, SECOND), quota(5, 60 * SECOND)]);
    assert_eq!(admitted('a', 5).await, 1);
    advance(SECOND).await;
    assert_eq!(admitted('a', 5).await, 4);
    advance(SECOND).await;
    assert_eq!(admitted('a', 5).await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_spread_quota_paces_calls_evenly() {
    let whole = quota(4, SECOND);
    let mut service = RateLimitLayer::new(by_itself, whole.spread())
        .wait(Wait::new(Duration::MAX))
        .layer(service_fn(|_: char| async {
            Ok::<_, Infallible>(Instant::now())
        }));
    let start = Instant::now();
    let mut times = Vec::new();
    for _ in 0..9 {
        let at = service.ready().await.unwrap().call('a').await.unwrap();
        times.push(nanos(at - start));
    }
    assert!(
        times
            .windows(2)
            .all(|pair| pair[1] - pair[0] == 250_000_000)
    );
    assert_eq!(most_in_any_window(&times, SECOND), 4);
}

#[test]
fn a_spread_quota_never_admits_more_than_the_whole_one() {
    for (limit, window) in [(3, 10), (7, 7), (10, 3), (u32::MAX, 1), (1, u64::MAX)] {
        let whole = quota(limit, Duration::from_nanos(window));
        let spread = whole.spread();
        assert_eq!(spread.limit(), 1);
        let each = u128::from(nanos(spread.window()));
        assert!(each * u128::from(limit) >= u128::from(window));
    }
}

#[test]
fn tuples_have_a_key_when_all_their_parts_do() {
    let even = |number: &u32| number.is_multiple_of(2).then_some('e');
    let small = |number: &u32| (*number < 10).then_some(1);
    let both = (even, small);
    assert_eq!(both.key(&4), Some(('e', 1)));
    assert_eq!(both.key(&5), None);
    assert_eq!(both.key(&12), None);
    assert_eq!((even, small, even, small).key(&2), Some(('e', 1, 'e', 1)));
}
