//! Gets what the suite needs onto the machine, where that is known to be welcome.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    error::{Error, Result},
    process,
};

/// A server and what its packages are called.
#[derive(Debug)]
pub(super) struct Package {
    name: &'static str,
    debian: &'static str,
    homebrew: &'static str,
}

pub(super) const REDIS: Package = Package {
    name: "redis-server",
    debian: "redis-server",
    homebrew: "redis",
};

pub(super) const POSTGRES: Package = Package {
    name: "the PostgreSQL server (initdb, postgres, psql)",
    debian: "postgresql",
    homebrew: "postgresql@17",
};

pub(super) fn find_or_install(
    package: &Package,
    find: impl Fn() -> Option<PathBuf>,
) -> Result<PathBuf> {
    if let Some(found) = find() {
        return Ok(found);
    }
    eprintln!("-- {} is not here", package.name);
    if process::find("apt-get").is_some() && is_root() {
        with_apt(package)?;
    } else if process::find("brew").is_some() && !is_root() {
        process::run(Command::new("brew").args(["install", package.homebrew]))?;
    } else {
        return Err(missing(package));
    }
    find().ok_or_else(|| missing(package))
}

fn missing(package: &Package) -> Error {
    Error::new(format!(
        "the suite needs {}: install it (as root on Debian: `apt-get install {}`, with Homebrew: \
         `brew install {}`) and see that it is in PATH",
        package.name, package.debian, package.homebrew
    ))
}

/// Twice at most: mirrors fail for a moment, and lists grow old.
fn with_apt(package: &Package) -> Result<()> {
    install(package).or_else(|error| {
        eprintln!("-- {error}; once more");
        install(package)
    })
}

fn install(package: &Package) -> Result<()> {
    process::run(&mut apt("update"))?;
    process::run(apt("install").args(["--yes", "--no-install-recommends", package.debian]))
}

fn apt(action: &str) -> Command {
    let mut command = Command::new("apt-get");
    command
        .env("DEBIAN_FRONTEND", "noninteractive")
        // Seconds to wait for another apt-get.
        .args(["--quiet", "--option=DPkg::Lock::Timeout=120", action]);
    command
}

/// Whoever runs this owns `/proc/self`; where there is none, he may ask for root himself.
pub(super) fn is_root() -> bool {
    fs::metadata(Path::new("/proc/self")).is_ok_and(|process| process.uid() == 0)
}
