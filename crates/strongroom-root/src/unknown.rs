//! Members of a stored JSON record that this version does not know.

use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

/// The members of a stored JSON object that this version does not know. They are kept, so that a
/// newer version finds them again after this one has rewritten the record.
///
/// Put it last into a struct that is stored:
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use strongroom_root::UnknownMembers;
///
/// #[derive(Serialize, Deserialize)]
/// struct Note {
///     text: String,
///     #[serde(flatten)]
///     unknown: UnknownMembers,
/// }
///
/// let stored = r#"{"text":"old","colour":"red"}"#; // a newer version knows colours
/// let mut note: Note = serde_json::from_str(stored)?;
/// note.text = "new".to_owned();
/// assert_eq!(serde_json::to_string(&note)?, r#"{"text":"new","colour":"red"}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
///
/// They are written after the known members, sorted by name. Numbers among them must be whole and
/// fit 64 bits, as all that are stored do.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct UnknownMembers(Option<Box<Map<String, Value>>>);

impl UnknownMembers {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Their names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().flat_map(|members| members.keys().map(String::as_str))
    }
}

/// Names only: what the values hold is not known.
impl fmt::Debug for UnknownMembers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

impl Serialize for UnknownMembers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let members = self.0.as_deref();
        let mut map = serializer.serialize_map(Some(members.map_or(0, Map::len)))?;
        for (name, value) in members.into_iter().flatten() {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for UnknownMembers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = UnknownMembers;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<UnknownMembers, A::Error> {
                let mut members: Option<Box<Map<_, _>>> = None;
                while let Some((name, value)) = access.next_entry::<String, Value>()? {
                    members.get_or_insert_default().insert(name, value);
                }
                Ok(UnknownMembers(members))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Inner {
        a: i64,
        #[serde(flatten)]
        unknown: UnknownMembers,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Outer {
        one: String,
        #[serde(skip_serializing_if = "Option::is_none", default)]
        two: Option<Inner>,
        many: Vec<Inner>,
        #[serde(flatten)]
        unknown: UnknownMembers,
    }

    #[test]
    fn what_is_not_known_is_written_again_at_every_level_and_what_is_known_as_ever() {
        let plain = r#"{"one":"x","two":{"a":-1},"many":[{"a":2}]}"#;
        let read: Outer = serde_json::from_str(plain).unwrap();
        assert!(read.unknown.is_empty() && read.many[0].unknown.is_empty());
        assert_eq!(serde_json::to_string(&read).unwrap(), plain);

        let more = r#"{"one":"x","two":{"a":-1,"b":[1,{"c":null}]},"many":[{"a":2,"d":18446744073709551615}],"e":{"f":-9223372036854775808},"g":true}"#;
        let read: Outer = serde_json::from_str(more).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), more);
        // Wherever they stand among the known ones.
        let mixed = r#"{"z":1,"many":[],"a":2,"one":"x"}"#;
        let read: Outer = serde_json::from_str(mixed).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), r#"{"one":"x","many":[],"a":2,"z":1}"#);
        assert_eq!(format!("{:?}", read.unknown), r#"{"a", "z"}"#);
        assert!(serde_json::from_str::<Outer>(r#"{"one":"x","one":"y","many":[]}"#).is_err());
    }

    #[test]
    fn none_take_no_memory() {
        assert_eq!(size_of::<UnknownMembers>(), size_of::<usize>());
    }
}
