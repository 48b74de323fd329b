//! One value out of a JSON document, without building the rest of it.

use std::{fmt, io};

use serde::de::{
    DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::value::RawValue;

/// The value at `pointer` (RFC 6901): the content of a text, nothing for `null`, and everything
/// else as it is written. `None` when it isn't there, is there twice, or the document is no JSON.
pub(crate) fn find(document: impl io::Read, pointer: &str) -> Option<String> {
    let steps: Vec<String> = match pointer.strip_prefix('/') {
        None => Vec::new(),
        Some(steps) => steps
            .split('/')
            .map(|step| step.replace("~1", "/").replace("~0", "~"))
            .collect(),
    };
    let mut reader = serde_json::Deserializer::from_reader(document);
    let found = At(&steps).deserialize(&mut reader).ok()?;
    reader.end().ok()?;
    let raw = found?;
    match raw.get() {
        "null" => Some(String::new()),
        text if text.starts_with('"') => serde_json::from_str(text).ok(),
        other => Some(other.to_owned()),
    }
}

/// Where to go from here.
struct At<'a>(&'a [String]);

impl<'de> DeserializeSeed<'de> for At<'_> {
    type Value = Option<Box<RawValue>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        if self.0.is_empty() {
            serde::Deserialize::deserialize(deserializer).map(Some)
        } else {
            deserializer.deserialize_any(self)
        }
    }
}

impl<'de> Visitor<'de> for At<'_> {
    type Value = Option<Box<RawValue>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or an array")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let Some((step, further)) = self.0.split_first() else {
            return Ok(None);
        };
        let mut found = None;
        while let Some(key) = map.next_key::<String>()? {
            if key != *step {
                map.next_value::<IgnoredAny>()?;
            } else if found.is_some() {
                // Which of the two another parser takes is not known here.
                return Err(A::Error::custom("twice"));
            } else {
                found = Some(map.next_value_seed(At(further))?);
            }
        }
        Ok(found.flatten())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let Some((step, further)) = self.0.split_first() else {
            return Ok(None);
        };
        let wanted = step.parse::<usize>().ok();
        let mut found = None;
        for index in 0.. {
            if Some(index) == wanted {
                match list.next_element_seed(At(further))? {
                    Some(value) => found = value,
                    None => break,
                }
            } else if list.next_element::<IgnoredAny>()?.is_none() {
                break;
            }
        }
        Ok(found)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::find;

    #[test]
    fn a_value_is_found_wherever_it_is() {
        let document = r#" {"a": {"b/c": [1, "two\n", {"~": 3.10}]}, "n": null, "t": true} "#;
        for (pointer, value) in [
            ("/a/b~1c/0", Some("1")),
            ("/a/b~1c/1", Some("two\n")),
            ("/a/b~1c/2/~0", Some("3.10")),
            ("/a/b~1c/2", Some(r#"{"~": 3.10}"#)),
            ("/a/b~1c/3", None),
            ("/n", Some("")),
            ("/t", Some("true")),
            ("/t/deeper", None),
            ("/a/b", None),
            ("/", None),
        ] {
            assert_eq!(
                find(document.as_bytes(), pointer).as_deref(),
                value,
                "{pointer}"
            );
        }
    }

    #[test]
    fn a_value_that_is_there_twice_or_no_json_at_all_is_not_found() {
        for document in [
            r#"{"a": 1, "a": 1}"#,
            r#"{"a": 1"#,
            r#"{"a": 1} x"#,
            "",
            "\u{feff}{}",
        ] {
            assert_eq!(find(document.as_bytes(), "/a"), None, "{document}");
        }
    }

    #[test]
    fn a_deep_document_takes_no_stack() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(find(deep.as_bytes(), "/0/0").is_some_and(|rest| rest.len() == 199_996));
    }
}
