//! That the servers behind the addresses are what their names say, password asked for.

use std::{
    env,
    io::{Read, Write},
    net::TcpStream,
};

/// Connects to `scheme://user:password@host:port/database`; answers with the password too.
fn connect(url: &str) -> (TcpStream, String) {
    let (_, rest) = url.split_once("://").unwrap();
    let (credentials, rest) = rest.split_once('@').unwrap();
    let (address, _) = rest.split_once('/').unwrap();
    let (_, password) = credentials.split_once(':').unwrap();
    assert!(
        address.starts_with("127.0.0.1:"),
        "not one of ours: {address}"
    );
    (TcpStream::connect(address).unwrap(), password.to_owned())
}

#[test]
#[ignore = "needs REDIS_URL"]
fn redis_answers_whoever_has_the_password() {
    let (mut redis, password) = connect(&env::var("REDIS_URL").unwrap());
    write!(redis, "PING\r\nAUTH {password}\r\nPING\r\nQUIT\r\n").unwrap();
    let mut answers = String::new();
    redis.read_to_string(&mut answers).unwrap();
    let answers: Vec<&str> = answers.lines().collect();
    assert!(answers[0].starts_with("-NOAUTH"), "{answers:?}");
    assert_eq!(answers[1..], ["+OK", "+PONG", "+OK"]);
}

#[test]
#[ignore = "needs POSTGRES_URL"]
fn postgres_asks_for_a_password_by_scram() {
    let (mut postgres, _) = connect(&env::var("POSTGRES_URL").unwrap());
    let mut startup = vec![0, 0, 0, 0, 0, 3, 0, 0];
    startup.extend_from_slice(b"user\0postgres\0\0");
    startup[3] = u8::try_from(startup.len()).unwrap();
    postgres.write_all(&startup).unwrap();

    // 'R', a length, "SASL", and the names of the mechanisms.
    let mut answer = [0; 24];
    postgres.read_exact(&mut answer).unwrap();
    assert_eq!(answer[0], b'R');
    assert_eq!(answer[5..9], [0, 0, 0, 10]);
    assert_eq!(&answer[9..22], b"SCRAM-SHA-256");
}
