//! Puts circuit breakers through what goes wrong with them, and prints the table of
//! `docs/compare.md`; with `--write` it replaces it there.
//!
//! The peers have clocks of their own, so this waits for real time: about half a minute.

mod breakers;
mod situations;

use std::{env, error::Error, fs, path::Path};

use self::{breakers::Kind, situations::SITUATIONS};

const BEGIN: &str = "<!-- begin breakers -->\n";
const END: &str = "<!-- end breakers -->\n";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    // Calls that panic are part of it.
    std::panic::set_hook(Box::new(|_| ()));
    let table = table().await;
    print!("{table}");
    if env::args().any(|argument| argument == "--write") {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/compare.md");
        let document = fs::read_to_string(&path)?;
        let (before, rest) = document.split_once(BEGIN).ok_or("no table begins there")?;
        let (_, after) = rest.split_once(END).ok_or("no table ends there")?;
        fs::write(&path, format!("{before}{BEGIN}{table}{END}{after}"))?;
    }
    Ok(())
}

async fn table() -> String {
    let kinds = [
        Kind::Ours,
        Kind::TowerResilience,
        Kind::Recloser,
        Kind::Failsafe,
    ];
    let mut table = String::from("| situation | wanted |");
    for kind in kinds {
        table += &format!(" {} |", kind.name());
    }
    table += "\n|---|---|---|---|---|---|\n";
    for situation in SITUATIONS {
        table += &format!("| {} | {} |", situation.title, situation.wanted);
        for kind in kinds {
            table += &format!(" {} |", (situation.run)(kind).await);
        }
        table += "\n";
    }
    table
}
