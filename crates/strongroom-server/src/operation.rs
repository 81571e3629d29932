//! An operation's declaration in its service's table.

use crate::input::Members;

/// An operation of a service, as its table declares it.
#[derive(Debug)]
pub(crate) struct Operation {
    /// The name, as in targets, logs and policies.
    pub(crate) name: &'static str,
    /// The members of its input, as field names (`secret_id`) or wire names (`SecretId`).
    members: &'static [&'static str],
    /// The wire names of members that logs and audit must not show.
    hidden: &'static [&'static str],
    /// The member that names the resource.
    resource: Option<&'static str>,
    /// Whether a resource's ARN may route the request to another account.
    crosses_accounts: bool,
}

impl Operation {
    /// An operation with this input and no single resource.
    pub(crate) const fn of<Input: Members>(name: &'static str) -> Self {
        Self::with_members(name, Input::NAMES)
    }

    /// An operation with these members and no single resource.
    pub(crate) const fn with_members(name: &'static str, members: &'static [&'static str]) -> Self {
        Self { name, members, hidden: &[], resource: None, crosses_accounts: false }
    }

    /// Declares the member that names the resource.
    pub(crate) const fn on(mut self, member: &'static str) -> Self {
        self.resource = Some(member);
        self
    }

    /// Declares members that hold secrets, ciphertexts, or tokens that grant access.
    pub(crate) const fn hides(mut self, members: &'static [&'static str]) -> Self {
        self.hidden = members;
        self
    }

    /// Declares that other accounts can be allowed to call it.
    pub(crate) const fn across_accounts(mut self) -> Self {
        self.crosses_accounts = true;
        self
    }

    /// The member that names the resource.
    pub(crate) fn resource(&self) -> Option<&'static str> {
        self.resource
    }

    /// Whether a request can be routed to another account.
    pub(crate) fn crosses_accounts(&self) -> bool {
        self.crosses_accounts
    }

    /// Whether logs and audit must hide a member.
    pub(crate) fn hides_member(&self, sent: &str) -> bool {
        self.hidden.contains(&sent)
    }

    /// The members that logs and audit must not show.
    #[cfg(test)]
    pub(crate) fn hidden_members(&self) -> &'static [&'static str] {
        self.hidden
    }

    /// The wire names of its members.
    #[cfg(test)]
    pub(crate) fn sent_members(&self) -> Vec<String> {
        let pascal = |word: &str| word[..1].to_ascii_uppercase() + &word[1..];
        self.members.iter().map(|name| name.split('_').map(pascal).collect()).collect()
    }

    /// Whether its input has a member of this wire name.
    pub(crate) fn has_member(&self, sent: &str) -> bool {
        self.members.iter().any(|declared| *declared == sent || is_field_of(declared, sent))
    }
}

/// Whether a field such as `secret_id` has this wire name, such as `SecretId`.
fn is_field_of(field: &str, sent: &str) -> bool {
    let mut field = field.bytes();
    let mut first = true;
    for byte in sent.bytes() {
        if byte.is_ascii_uppercase() && !first && field.next() != Some(b'_') {
            return false;
        }
        if (first && !byte.is_ascii_uppercase()) || field.next() != Some(byte.to_ascii_lowercase()) {
            return false;
        }
        first = false;
    }
    !first && field.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_known_by_the_names_under_which_they_are_sent() {
        let operation = Operation::with_members("X", &["secret_id", "name", "AddReplicaRegions"]);
        for sent in ["SecretId", "Name", "AddReplicaRegions"] {
            assert!(operation.has_member(sent), "{sent}");
        }
        for sent in
            ["", "secretId", "Secretid", "SecretIds", "Secret", "secret_i", "S", "AddReplicaRegion", "nAME"]
        {
            assert!(!operation.has_member(sent), "{sent}");
        }
    }
}
