//! Wire types of the developer API, shared by client and server.
//!
//! Every optional field is sent as `null` when unknown, because generated clients ask for the key
//! to be present; on the way in, a missing key reads as `None` and keys that these types do not
//! name are kept in `extra`.

mod log;
mod organization;
mod page;
mod repository;
mod run;
mod user;

pub use log::{AgentRunLog, AgentRunWithLogs, MessageType};
pub use organization::{Organization, OrganizationSettings};
pub use page::{Page, PageNumbers};
pub use repository::Repository;
pub use run::{
    AgentRun, AgentType, CreateAgentRun, PullRequest, ResumeAgentRun, RunStatus, SourceType,
};
pub use user::User;

/// Fields of an answer that these types do not name.
pub type Extra = serde_json::Map<String, serde_json::Value>;

/// An enum of the wire: known words, and [`Other`](RunStatus::Other) for the ones of a newer
/// server. Parsing ignores case; an unknown word comes back out as it went in.
macro_rules! wire_words {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $word:literal $(| $alias:literal)*,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$vmeta])* $variant,)+
            /// A word this version does not know, kept as it was sent.
            Other(String),
        }

        impl $name {
            /// The word of the wire.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $word,)+
                    Self::Other(word) => word,
                }
            }
        }

        impl From<&str> for $name {
            fn from(word: &str) -> Self {
                $(if word.eq_ignore_ascii_case($word) $(|| word.eq_ignore_ascii_case($alias))* {
                    return Self::$variant;
                })+
                Self::Other(word.to_owned())
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let word = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                Ok(Self::from(word.as_ref()))
            }
        }
    };
}
pub(crate) use wire_words;
