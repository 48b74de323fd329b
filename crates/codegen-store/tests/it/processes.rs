use std::collections::BTreeSet;

use codegen_agents::RunStore;
use codegen_api::server::Store;
use codegen_store::SqliteStore;

use crate::house::{House, LEASE, create};

#[tokio::test(flavor = "multi_thread")]
async fn two_stores_on_one_file_never_claim_the_same_run() {
    const RUNS: usize = 60;
    let house = House::on_a_file().await;
    for _ in 0..RUNS {
        create(&house.store, &house.acme, "who?").await;
    }
    let claims = async |store: SqliteStore| {
        let mut mine = Vec::new();
        while let Some(run) = store.claim("me", LEASE).await.unwrap() {
            mine.push(run.claim.run_id);
        }
        mine
    };
    let url = crate::house::url(&house.directory().join("store.db"));
    let mut runners = Vec::new();
    for _ in 0..3 {
        let store = SqliteStore::open(&url)
            .clock(house.clock.reader())
            .await
            .unwrap();
        runners.push(tokio::spawn(claims(store.clone())));
        runners.push(tokio::spawn(claims(store)));
    }
    let mut all = Vec::new();
    for runner in runners {
        all.extend(runner.await.unwrap());
    }
    assert_eq!(all.len(), RUNS);
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), RUNS);
}

#[cfg(unix)]
mod unix {
    use std::io::{BufRead, BufReader};
    use std::path::Path;
    use std::process::{Command, Stdio};

    use codegen_api::model::CreateAgentRun;
    use codegen_api::server::RunFilter;
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    use super::*;
    use crate::house::{everything, is_unavailable, url, window};

    const FILE: &str = "CODEGEN_STORE_TEST_FILE";

    /// This test binary again, running one of the ignored tests below on a file.
    fn child(test: &str, file: &Path) -> Command {
        // A write past the limit of a file is an error to be seen, not a signal to die of.
        let mut command = Command::new("sh");
        command
            .args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", test, "--ignored", "--nocapture"])
            .env(FILE, file);
        command
    }

    #[tokio::test]
    async fn what_was_answered_survives_a_kill() {
        let house = House::on_a_file().await;
        let file = house.directory().join("store.db");
        let mut writer = child("processes::unix::write_until_killed", &file)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(writer.stdout.take().unwrap()).lines();
        let ids = |line: std::io::Result<String>| -> Option<i64> {
            line.unwrap().strip_prefix("stored ")?.parse().ok()
        };
        let mut answered = Vec::new();
        let mut lines = lines.filter_map(ids);
        answered.extend(lines.by_ref().take(50));
        writer.kill().unwrap();
        writer.wait().unwrap();
        // What it still said before the kill arrived counts as well.
        answered.extend(lines);
        assert!(answered.len() >= 50);

        let store = house.neighbour().await;
        for id in &answered {
            assert!(store.run(&house.acme, *id).await.unwrap().is_some());
        }
        let stored = store
            .runs(&house.acme, RunFilter::default(), window(0, 1))
            .await;
        let unanswered = stored.unwrap().total - answered.len() as i64;
        assert!((0..=1).contains(&unanswered), "{unanswered}");
    }

    #[tokio::test]
    #[ignore = "the other half of `what_was_answered_survives_a_kill`"]
    async fn write_until_killed() {
        let Some(file) = std::env::var_os(FILE) else {
            return;
        };
        let store = SqliteStore::open(&url(file.as_ref())).await.unwrap();
        let id = store.organization_by_name("acme").await.unwrap().unwrap();
        let user = store.create_user(codegen_store::NewUser::new("ada")).await;
        let scope = crate::house::scope(&store, user.unwrap(), id).await;
        loop {
            println!("stored {}", create(&store, &scope, "again").await.id);
        }
    }

    #[tokio::test]
    async fn a_full_disk_is_unavailable_until_there_is_room_again() {
        let house = House::on_a_file().await;
        let file = house.directory().join("store.db");
        let output = child("processes::unix::write_until_full", &file)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success() && said.contains("filled"),
            "{output:?}"
        );
    }

    /// A limit on the size of files stands for a disk: it fails the same write.
    #[tokio::test]
    #[ignore = "the other half of `a_full_disk_is_unavailable_until_there_is_room_again`"]
    async fn write_until_full() {
        let Some(file) = std::env::var_os(FILE) else {
            return;
        };
        let store = SqliteStore::open(&url(file.as_ref())).await.unwrap();
        let id = store.organization_by_name("acme").await.unwrap().unwrap();
        let user = store.create_user(codegen_store::NewUser::new("ada")).await;
        let scope = crate::house::scope(&store, user.unwrap(), id).await;
        let free = getrlimit(Resource::Fsize);
        let mut stored = 0;
        for _ in 0..3 {
            let wal = Path::new(&file).with_extension("db-wal");
            let size = std::fs::metadata(wal).unwrap().len();
            let full = Rlimit {
                current: Some(size + 200_000),
                ..free
            };
            setrlimit(Resource::Fsize, full).unwrap();
            let long = "x".repeat(30_000);
            let failed = loop {
                match store
                    .create_run(&scope, CreateAgentRun::new(long.as_str()))
                    .await
                {
                    Ok(_) => stored += 1,
                    failed => break failed,
                }
            };
            assert!(is_unavailable(&failed), "{failed:?}");
            let again = store
                .create_run(&scope, CreateAgentRun::new(long.as_str()))
                .await;
            assert!(is_unavailable(&again), "{again:?}");
            let runs = store.runs(&scope, RunFilter::default(), everything()).await;
            assert_eq!(runs.unwrap().total, stored);

            setrlimit(Resource::Fsize, free).unwrap();
            create(&store, &scope, "room again").await;
            stored += 1;
        }
        assert!(stored > 3);
        println!("filled");
    }
}
