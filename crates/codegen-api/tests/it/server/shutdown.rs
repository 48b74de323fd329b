//! The end of the server.

use std::time::Duration;

use tokio::net::TcpStream;

use super::{
    fixture::World,
    wire::{Serving, Wire},
};

fn create(world: &World) -> String {
    let (path, token) = (world.acme("agent/run"), &world.ada_token);
    format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\
         content-length: 14\r\nexpect: 100-continue\r\n\r\n"
    )
}

/// A request whose body the server waits for.
async fn in_flight(world: &World, server: &Serving) -> Wire {
    let mut wire = server.connect().await;
    wire.send(create(world)).await;
    wire.answer().await.unwrap().expect(100);
    wire
}

#[tokio::test]
async fn a_request_in_flight_finishes_and_nothing_new_begins() {
    let world = World::new().await;
    // Less than a caller is listened to who has not sent all: these have, and are not waited for.
    let server = Serving::start(world.app(), Duration::from_secs(4)).await;
    let mut busy = in_flight(&world, &server).await;
    let mut idle = server.connect().await;
    idle.send("GET /v1/health HTTP/1.1\r\nhost: x\r\n\r\n")
        .await;
    idle.answer().await.unwrap().expect(200);
    let mut silent = server.connect().await;
    server.lives().await;

    server.stop.send(()).unwrap();
    assert!(idle.answer().await.is_none());
    assert!(silent.answer().await.is_none());
    // The listener was closed before the idle ones were.
    assert!(TcpStream::connect(server.address).await.is_err());
    assert!(!server.ended.is_finished());

    busy.send("{\"prompt\":\"x\"}").await;
    let answer = busy.answer().await.unwrap().expect(200);
    assert_eq!(answer.headers["connection"], "close");
    assert!(busy.answer().await.is_none());
    assert!(server.ended.await.unwrap());
    assert_eq!(world.runs().await, 1);
}

#[tokio::test]
async fn what_is_not_done_by_the_end_of_the_drain_is_told() {
    let world = World::new().await;
    let server = Serving::start(world.app(), Duration::ZERO).await;
    let _busy = in_flight(&world, &server).await;
    server.stop.send(()).unwrap();
    assert!(!server.ended.await.unwrap());
    assert_eq!(world.runs().await, 0);
}
