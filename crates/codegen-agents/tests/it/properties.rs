use std::time::Duration;

use codegen_agents::{RunStatus, Runner, SearchProvider};
use proptest::collection::vec;
use proptest::prelude::*;
use tokio::runtime::Builder;
use tokio::time::sleep;

use crate::memory::Memory;
use crate::runner::{seconds, slow};
use crate::tree::{ask, tree};

#[derive(Clone, Debug)]
enum Fault {
    /// A connection is cut or healed.
    Cut { runner: usize, cut: bool },
    /// A runner is dropped and started again.
    Restart { runner: usize },
    /// Somebody asks for a run to stop.
    Stop { run: i64 },
}

fn fault() -> impl Strategy<Value = (u64, Fault)> {
    let fault = prop_oneof![
        4 => (0..3_usize, any::<bool>()).prop_map(|(runner, cut)| Fault::Cut { runner, cut }),
        2 => (0..3_usize).prop_map(|runner| Fault::Restart { runner }),
        1 => (1..=4_i64).prop_map(|run| Fault::Stop { run }),
    ];
    (0_u64..20_000, fault)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Three runners on one store, cut off, dropped and asked to stop at random.
    #[test]
    fn every_run_ends_exactly_once_whatever_happens_to_its_runners(faults in vec(fault(), 0..25)) {
        let runtime = Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        let rows = runtime.block_on(async {
            let store = Memory::new();
            for id in 1..=4 {
                store.add(id);
            }
            let connections: Vec<Memory> = (0..3).map(|_| store.another_connection()).collect();
            let start = |runner: usize| {
                // Of different speed, so that they meet at every point.
                let pace = Duration::from_millis(2_500 + 3_700 * runner as u64);
                Runner::new(connections[runner].clone(), slow(pace)).start()
            };
            let mut runners: Vec<_> = (0..3).map(start).collect();
            for (pause, fault) in faults {
                sleep(Duration::from_millis(pause)).await;
                match fault {
                    Fault::Cut { runner, cut } => connections[runner].cut(cut),
                    Fault::Restart { runner } => runners[runner] = start(runner),
                    Fault::Stop { run } => store.change(run, |row| row.stop = true),
                }
            }
            for connection in &connections {
                connection.cut(false);
            }
            sleep(seconds(600)).await;
            store.rows()
        });
        for row in rows {
            prop_assert_eq!(row.ends, 1, "{:?}", &row);
            prop_assert!(row.status.is_final());
            let expected = match row.status {
                RunStatus::Complete => row.kinds() == "FINAL_ANSWER",
                RunStatus::Cancelled => row.stop && row.kinds() == "ERROR",
                RunStatus::Failed => row.attempt > 3 && row.kinds() == "ERROR",
                _ => false,
            };
            prop_assert!(expected, "{:?}", &row);
        }
    }
}

/// Words that no rule of grammar changes, so that the model can compare letters.
const WORDS: [&str; 6] = ["quark", "lepton", "boson", "gluon", "muon", "proton"];

fn file() -> impl Strategy<Value = Vec<Vec<usize>>> {
    vec(vec(0..WORDS.len(), 0..4), 0..6)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Against the obvious model: read everything.
    #[test]
    fn a_search_finds_something_exactly_when_it_is_there_and_quotes_what_is_written(
        contents in vec(file(), 0..5),
        asked in 0..WORDS.len(),
    ) {
        let texts: Vec<(String, String)> = contents
            .iter()
            .enumerate()
            .map(|(at, lines)| {
                let lines = lines.iter().map(|words| {
                    let words: Vec<&str> = words.iter().map(|&word| WORDS[word]).collect();
                    words.join("(); ") + "\n"
                });
                (format!("f{at}.rs"), lines.collect())
            })
            .collect();
        let files: Vec<(&str, &str)> = texts
            .iter()
            .map(|(name, text)| (name.as_str(), text.as_str()))
            .collect();
        let tree = tree(&files);
        let runtime = Builder::new_current_thread().enable_time().build().unwrap();
        let answer = runtime
            .block_on(ask(SearchProvider::new(), tree.path(), WORDS[asked]))
            .unwrap();

        let there = files.iter().any(|(_, text)| text.contains(WORDS[asked]));
        prop_assert_eq!(!answer.text.starts_with("Nothing found"), there);
        for quoted in answer.text.lines().filter(|line| line.starts_with("  ")) {
            let mut parts = quoted.trim().splitn(3, ':');
            let (file, line) = (parts.next().unwrap(), parts.next().unwrap());
            let text = files.iter().find(|(name, _)| *name == file).unwrap().1;
            let line: usize = line.parse().unwrap();
            let written = text.lines().nth(line - 1).unwrap();
            prop_assert_eq!(parts.next().unwrap().trim(), written.trim());
            prop_assert!(written.contains(WORDS[asked]));
        }
    }
}
