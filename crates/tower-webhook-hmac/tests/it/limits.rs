//! Size and time of a body.

use std::{sync::atomic::Ordering, time::Duration};

use bytes::Bytes;
use http::{
    Version,
    header::{CONNECTION, CONTENT_LENGTH},
};
use http_body::SizeHint;
use http_body_util::Full;
use tokio::time::Instant;
use tower_webhook_hmac::Rejection;

use crate::script::{Script, Step, answer, data, layer, send, signed};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn a_body_of_exactly_the_limit_passes_and_one_byte_more_does_not() {
    let layer = layer().max_body(4);
    assert!(
        send(&layer, signed(Full::<Bytes>::from("1234"), "1234"))
            .await
            .is_ok()
    );
    let script = || Script::new([data("12"), data("34")]);
    assert!(send(&layer, signed(script(), "1234")).await.is_ok());
    let refused = Err(Rejection::BodyTooLarge { limit: 4 });
    assert_eq!(
        send(&layer, signed(Full::<Bytes>::from("12345"), "12345")).await,
        refused
    );
    let script = Script::new([data("12"), data("345")]);
    assert_eq!(send(&layer, signed(script, "12345")).await, refused);
}

#[tokio::test]
async fn with_a_limit_of_zero_only_empty_bodies_pass() {
    let layer = layer().max_body(0);
    assert!(
        send(&layer, signed(Full::<Bytes>::default(), ""))
            .await
            .is_ok()
    );
    assert_eq!(
        send(&layer, signed(Script::new([data("1")]), "1")).await,
        Err(Rejection::BodyTooLarge { limit: 0 }),
    );
}

#[tokio::test]
async fn a_body_that_announces_too_much_is_refused_unread() {
    let layer = layer().max_body(4);
    for length in ["5", "18446744073709551616", "0005"] {
        let body = Script::new([data("1")]);
        let polls = body.polls();
        let mut request = signed(body, "1");
        request
            .headers_mut()
            .insert(CONTENT_LENGTH, length.parse().unwrap());
        assert_eq!(
            send(&layer, request).await,
            Err(Rejection::BodyTooLarge { limit: 4 })
        );
        assert_eq!(polls.load(Ordering::SeqCst), 0);
    }
    let body = Script::new([data("1")]).with_hint(SizeHint::with_exact(5));
    let polls = body.polls();
    assert_eq!(
        send(&layer, signed(body, "1")).await,
        Err(Rejection::BodyTooLarge { limit: 4 }),
    );
    assert_eq!(polls.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn an_announced_length_up_to_the_limit_or_without_sense_is_no_reason_to_refuse() {
    let layer = layer().max_body(4);
    for length in ["4", "0", "-1", "many", ""] {
        let mut request = signed(Full::<Bytes>::from("1234"), "1234");
        request
            .headers_mut()
            .insert(CONTENT_LENGTH, length.parse().unwrap());
        assert!(send(&layer, request).await.is_ok(), "{length}");
    }
}

#[tokio::test]
async fn an_endless_body_is_read_up_to_the_limit_and_one_frame_further() {
    let body = Script::new(std::iter::repeat_n(data("1234"), 1000));
    let polls = body.polls();
    assert_eq!(
        send(&layer().max_body(100), signed(body, "")).await,
        Err(Rejection::BodyTooLarge { limit: 100 }),
    );
    assert_eq!(polls.load(Ordering::SeqCst), 26);
}

#[tokio::test]
async fn frames_that_weigh_more_than_their_bytes_are_refused() {
    let layer = layer().max_body(64);
    let empty = |frames| Script::new(std::iter::repeat_n(data(""), frames));
    assert!(send(&layer, signed(empty(16_385), "")).await.is_ok());
    let refused = Err(Rejection::BodyTooLarge { limit: 64 });
    assert_eq!(send(&layer, signed(empty(16_386), "")).await, refused);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_trickles_is_cut_at_the_deadline() {
    let start = Instant::now();
    let steps = std::iter::repeat_n([Step::Wait(SECOND), data("1")], 1000).flatten();
    assert_eq!(
        send(&layer(), signed(Script::new(steps), "")).await,
        Err(Rejection::BodyTooSlow),
    );
    assert_eq!(start.elapsed(), 10 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_stops_arriving_is_cut_at_the_deadline() {
    let start = Instant::now();
    let layer = layer().body_deadline(3 * SECOND);
    let body = Script::new([data("{}"), Step::Hang]);
    assert_eq!(
        send(&layer, signed(body, "{}")).await,
        Err(Rejection::BodyTooSlow)
    );
    assert_eq!(start.elapsed(), 3 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_body_complete_just_before_the_deadline_passes() {
    let body = Script::new([
        Step::Wait(10 * SECOND - Duration::from_millis(1)),
        data("{}"),
    ]);
    assert!(send(&layer(), signed(body, "{}")).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn with_a_deadline_of_zero_only_bodies_that_are_there_pass() {
    let layer = layer().body_deadline(Duration::ZERO);
    assert!(
        send(&layer, signed(Full::<Bytes>::from("{}"), "{}"))
            .await
            .is_ok()
    );
    let late = Script::new([Step::Wait(SECOND), data("{}")]);
    assert_eq!(
        send(&layer, signed(late, "{}")).await,
        Err(Rejection::BodyTooSlow)
    );
}

#[tokio::test(start_paused = true)]
async fn the_longest_deadline_there_is_does_not_overflow() {
    let body = Script::new([Step::Wait(SECOND), data("{}")]);
    let layer = layer().body_deadline(Duration::MAX);
    assert!(send(&layer, signed(body, "{}")).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_slow_peer_is_told_that_its_connection_ends_where_the_protocol_has_a_word_for_it() {
    for (version, close) in [(Version::HTTP_11, true), (Version::HTTP_2, false)] {
        let mut request = signed(Script::new([Step::Hang]), "");
        *request.version_mut() = version;
        let response = answer(&layer(), request).await;
        assert_eq!(response.status(), 408);
        assert_eq!(response.headers().contains_key(CONNECTION), close);
    }
}
