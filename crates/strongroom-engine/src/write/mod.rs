//! Changing secrets: values, labels, tags, policies, deletion.

mod deletion;
mod document;
mod labels;
mod policy;
mod value;

pub(crate) use deletion::Deleter;
pub(crate) use labels::HeadWriter;
pub(crate) use policy::ResourcePolicies;
pub(crate) use value::Writer;
