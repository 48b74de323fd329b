use std::fmt;
use std::path::{Path, PathBuf};

use codegen_api::server::StoreError;
use sqlx::migrate::MigrateError;

/// Why a database could not be opened. `Display` is one line, made to be shown to an operator.
#[derive(Debug)]
#[non_exhaustive]
pub enum OpenError {
    /// The text is not a SQLite URL.
    Url {
        /// The text.
        url: String,
    },
    /// The directory that should hold the file does not exist.
    NoDirectory {
        /// The directory.
        path: PathBuf,
    },
    /// The file can't be opened or created: permissions, a directory in its place, a full disk.
    CannotOpen {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        source: sqlx::Error,
    },
    /// The file, its directory or its file system is read-only.
    ReadOnly {
        /// The file.
        path: PathBuf,
    },
    /// The file is something else, or damaged.
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// The file is a SQLite database of some other program.
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// Another process kept the file locked for longer than the busy timeout.
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// The database was made with a different text of a migration than this program has.
    EditedMigration {
        /// Version of the migration.
        version: i64,
    },
    /// The database was made by a newer version of this program.
    UnknownMigration {
        /// Version of the migration.
        version: i64,
    },
    /// A migration failed; nothing of it was applied.
    Migration(MigrateError),
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url { url } => write!(
                f,
                "`{url}` is not a database URL: use sqlite:PATH or sqlite::memory:"
            ),
            Self::NoDirectory { path } => {
                write!(f, "the directory {} does not exist", path.display())
            }
            Self::CannotOpen { path, .. } => write!(
                f,
                "the database {} cannot be opened or created",
                path.display()
            ),
            Self::ReadOnly { path } => write!(f, "the database {} is read-only", path.display()),
            Self::NotADatabase { path } => {
                write!(f, "{} is not a SQLite database", path.display())
            }
            Self::Foreign { path } => {
                write!(f, "{} is a database of another program", path.display())
            }
            Self::Locked { path } => write!(
                f,
                "the database {} is locked by another process",
                path.display()
            ),
            Self::EditedMigration { version } => write!(
                f,
                "migration {version} of this database differs from the one of this program"
            ),
            Self::UnknownMigration { version } => write!(
                f,
                "migration {version} of this database is newer than this program"
            ),
            Self::Migration(_) => {
                f.write_str("the schema of the database cannot be brought up to date")
            }
        }
    }
}

impl std::error::Error for OpenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::CannotOpen { source, .. } => Some(source),
            Self::Migration(source) => Some(source),
            _ => None,
        }
    }
}

impl OpenError {
    pub(crate) fn from_sqlx(path: &Path, source: sqlx::Error) -> Self {
        let path = path.to_owned();
        match sqlite_code(&source) {
            Some(BUSY | LOCKED) => Self::Locked { path },
            Some(READONLY) => Self::ReadOnly { path },
            Some(NOTADB | CORRUPT) => Self::NotADatabase { path },
            _ => match path.parent() {
                Some(directory) if !directory.is_dir() => Self::NoDirectory {
                    path: directory.to_owned(),
                },
                _ => Self::CannotOpen { path, source },
            },
        }
    }

    pub(crate) fn from_migrate(path: &Path, error: MigrateError) -> Self {
        match error {
            MigrateError::VersionMismatch(version) => Self::EditedMigration { version },
            MigrateError::VersionMissing(version) => Self::UnknownMigration { version },
            MigrateError::Execute(error) if sqlite_code(&error).is_some_and(is_passing) => {
                Self::from_sqlx(path, error)
            }
            error => Self::Migration(error),
        }
    }
}

// Primary result codes of SQLite, <https://www.sqlite.org/rescode.html>.
const BUSY: i32 = 5;
const LOCKED: i32 = 6;
const NOMEM: i32 = 7;
const READONLY: i32 = 8;
const INTERRUPT: i32 = 9;
const IOERR: i32 = 10;
const CORRUPT: i32 = 11;
const FULL: i32 = 13;
const CANTOPEN: i32 = 14;
const NOTADB: i32 = 26;

/// The primary result code: the low byte of the extended one that sqlx reports.
fn sqlite_code(error: &sqlx::Error) -> Option<i32> {
    let code: i32 = error.as_database_error()?.code()?.parse().ok()?;
    Some(code & 0xff)
}

pub(crate) fn is_locked(error: &sqlx::Error) -> bool {
    matches!(sqlite_code(error), Some(BUSY | LOCKED))
}

fn is_passing(code: i32) -> bool {
    matches!(
        code,
        BUSY | LOCKED | NOMEM | INTERRUPT | IOERR | FULL | CANTOPEN
    )
}

/// Whether the same call may succeed later, or not.
pub(crate) fn store_error(error: sqlx::Error) -> StoreError {
    let passing = match &error {
        sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::Io(_)
        | sqlx::Error::WorkerCrashed => true,
        error => sqlite_code(error).is_some_and(is_passing),
    };
    if passing {
        StoreError::Unavailable(Box::new(error))
    } else {
        StoreError::Internal(Box::new(error))
    }
}
