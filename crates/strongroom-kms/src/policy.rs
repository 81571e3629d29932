//! Key policies.

/// The request of PutKeyPolicy.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PutKeyPolicy {
    /// The whole document.
    pub policy: String,
    /// The policy's name: only `default`.
    pub name: Option<String>,
    /// Puts a policy that its author could not change again all the same.
    pub bypass_lockout_check: bool,
}

impl PutKeyPolicy {
    /// The maximum length of a key policy, in bytes.
    pub const MAX_LEN: usize = 32_768;

    /// Puts this document.
    #[must_use]
    pub fn new(policy: impl Into<String>) -> Self {
        Self { policy: policy.into(), name: None, bypass_lockout_check: false }
    }

    /// Names the policy.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Whether or not its author can change it again.
    #[must_use]
    pub fn bypass_lockout_check(mut self) -> Self {
        self.bypass_lockout_check = true;
        self
    }
}

/// The response of ListKeyPolicies: the only policy is named `default`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "implementations build it")]
pub struct PolicyNamePage {
    /// The names.
    pub names: Vec<String>,
    /// Where the next page begins; `None` at the end.
    pub next_marker: Option<String>,
}
