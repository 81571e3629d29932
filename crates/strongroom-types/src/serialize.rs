//! Serialization under AWS's member names.

/// Implements `serde::Serialize` for a type, as an object with AWS's member names. Optional members
/// without a value are left out.
///
/// The crate that calls it depends on `serde`; this one does not.
///
/// ```ignore
/// serialize_as_aws!(SecretUpdated, |secret| {
///     "ARN": secret.arn.as_str(),
///     "Name": secret.name,
/// } optional { "VersionId": secret.version_id, });
/// ```
#[macro_export]
macro_rules! serialize_as_aws {
    ($type:ty, |$this:ident| { $($member:literal: $value:expr,)* } $(optional {
        $($optional:literal: $maybe:expr,)*
    })?) => {
        impl ::serde::Serialize for $type {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> ::std::result::Result<S::Ok, S::Error> {
                use ::serde::ser::SerializeMap as _;
                let $this = self;
                let mut members = serializer.serialize_map(::std::option::Option::None)?;
                $(members.serialize_entry($member, &$value)?;)*
                $($(if let ::std::option::Option::Some(value) = &$maybe {
                    members.serialize_entry($optional, value)?;
                })*)?
                members.end()
            }
        }
    };
}
