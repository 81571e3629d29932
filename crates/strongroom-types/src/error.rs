//! The structure of errors. Every crate has one error type, composed of this frame and its own list
//! of kinds.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

/// Whether trying the same call again can help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Retry {
    /// No: the same call fails the same way until something changes.
    Never,
    /// Yes, at once or after a pause: contention, throttling, a temporary fault. Either nothing was
    /// changed, or a token in the call makes the repeat safe.
    Later,
}

/// The properties that a crate must define for each of its error kinds.
pub trait ErrorClass: Copy + fmt::Debug + Send + Sync + 'static {
    /// The AWS error code the kind corresponds to, for example `ResourceNotFoundException`.
    fn code(self) -> &'static str;
    /// Whether a retry can help.
    fn retry(self) -> Retry;
}

/// The meaning of a failure, independent of the crate. Crates use it to translate between their
/// kinds when one passes on a failure of another.
///
/// A crate's list of kinds converts into this, out of it, or both. The mapping is written there
/// once, and [`Frame::pass_on`] does the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// The caller is invalid or unknown.
    InvalidCaller,
    /// The caller's session has expired.
    ExpiredSession,
    /// A stored record is damaged, or was changed without the root key.
    Tampered,
    /// The store was re-keyed or replaced by another process.
    StoreChanged,
    /// The change took effect as a whole or not at all; which is unknown.
    OutcomeUnknown,
    /// A precondition did not hold because of a concurrent change. Nothing was changed.
    Conflict,
    /// Too many concurrent changes or requests. Nothing was changed.
    Busy,
    /// Any other failure.
    Internal,
}

/// Maps a crate's error kinds to [`Fault`]s and back by one table. `into` lists faults that share a
/// kind with another row, `from` kinds that share a fault; every other fault becomes the last kind,
/// every other kind [`Fault::Internal`].
///
/// ```
/// use strongroom_types::{Fault, fault_kinds};
///
/// #[derive(Clone, Copy, Debug, PartialEq)]
/// pub enum ErrorKind { Tampered, Throttled, Internal }
///
/// fault_kinds!(ErrorKind {
///     Tampered = Tampered,
///     Busy = Throttled,
/// } into { Conflict = Throttled } else Internal);
///
/// assert_eq!(ErrorKind::from(Fault::Conflict), ErrorKind::Throttled);
/// assert_eq!(Fault::from(ErrorKind::Throttled), Fault::Busy);
/// assert_eq!(ErrorKind::from(Fault::InvalidCaller), ErrorKind::Internal);
/// ```
#[macro_export]
macro_rules! fault_kinds {
    (
        $kind:ident { $($fault:ident = $own:ident,)* }
        $(into { $($shared:ident = $into:ident),* })?
        $(from { $($from:ident = $seen:ident),* })?
        else $other:ident
    ) => {
        impl ::std::convert::From<$crate::Fault> for $kind {
            fn from(fault: $crate::Fault) -> Self {
                match fault {
                    $($crate::Fault::$fault => Self::$own,)*
                    $($($crate::Fault::$shared => Self::$into,)*)?
                    _ => Self::$other,
                }
            }
        }

        impl ::std::convert::From<$kind> for $crate::Fault {
            fn from(kind: $kind) -> Self {
                match kind {
                    $($kind::$own => Self::$fault,)*
                    $($($kind::$from => Self::$seen,)*)?
                    _ => Self::Internal,
                }
            }
        }
    };
}

/// An error type defined by [`error_type!`](crate::error_type!), for code that passes on failures
/// of any crate.
pub trait Failure: StdError + Sized + Send + Sync + 'static {
    /// The crate's list of kinds.
    type Kind: ErrorClass;

    /// The kind of failure.
    fn failure_kind(&self) -> Self::Kind;

    /// The error around a frame.
    fn around(frame: Frame<Self::Kind>) -> Self;
}

/// The content of an error: kind, text, operation, private context, source.
///
/// `Display` shows the operation, the text and the context, never the source (walk
/// [`std::error::Error::source`] for it) and never a secret: names, version ids, key ids and paths
/// only. A clone has the same content, for several callers who waited for the same call.
#[derive(Clone)]
pub struct Frame<K> {
    kind: K,
    message: Cow<'static, str>,
    operation: Option<&'static str>,
    context: Vec<(&'static str, String)>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl<K: ErrorClass> Frame<K> {
    /// A failure of this kind with its text.
    pub fn new(kind: K, message: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, message: message.into(), operation: None, context: Vec::new(), source: None }
    }

    /// The kind of failure, for branching.
    pub fn kind(&self) -> K {
        self.kind
    }

    /// The text; exactly AWS's, if AWS has one for the case.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The operation that was called, once a layer has named it.
    pub fn operation(&self) -> Option<&'static str> {
        self.operation
    }

    /// The same failure under another list of kinds: text, operation, context and source are
    /// preserved.
    pub fn map_kind<L>(self, kind: L) -> Frame<L> {
        Frame {
            kind,
            message: self.message,
            operation: self.operation,
            context: self.context,
            source: self.source,
        }
    }

    /// The same failure as another crate's error, under the kind that the two lists have in common.
    pub fn pass_on<E: Failure>(self) -> E
    where
        K: Into<Fault>,
        E::Kind: From<Fault>,
    {
        let fault: Fault = self.kind.into();
        E::around(self.map_kind(fault.into()))
    }

    /// The underlying failure.
    pub fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }

    /// Names the operation that was called. The last, outermost name wins: an operation that uses
    /// others replaces their names by its own.
    pub fn set_operation(&mut self, operation: &'static str) {
        self.operation = Some(operation);
    }

    /// The fact that was added under this key, the first one if there are several.
    pub fn context(&self, key: &str) -> Option<&str> {
        self.context.iter().find(|(known, _)| *known == key).map(|(_, value)| value.as_str())
    }

    /// Adds a fact for people who read the error.
    pub fn push_context(&mut self, key: &'static str, value: String) {
        self.context.push((key, value));
    }

    /// Keeps the underlying failure.
    pub fn set_source(&mut self, source: Box<dyn StdError + Send + Sync>) {
        self.source = Some(source.into());
    }
}

impl<K: ErrorClass> fmt::Display for Frame<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(operation) = self.operation {
            write!(f, "{operation}: ")?;
        }
        // Some AWS errors have no text; show the code instead.
        if self.message.is_empty() {
            f.write_str(self.kind.code())?
        } else {
            f.write_str(&self.message)?
        }
        for (index, (key, value)) in self.context.iter().enumerate() {
            let open = if index == 0 { " (" } else { ", " };
            write!(f, "{open}{key}: {value}")?;
        }
        if self.context.is_empty() { Ok(()) } else { f.write_str(")") }
    }
}

impl<K: ErrorClass> fmt::Debug for Frame<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Error");
        out.field("kind", &self.kind).field("text", &format_args!("{self}"));
        if let Some(source) = &self.source {
            out.field("source", source);
        }
        out.finish()
    }
}

/// Defines the error type of a crate around a [`Frame`] of its kinds.
///
/// ```
/// use std::error::Error as _;
/// use strongroom_types::{ErrorClass, Retry, error_type};
///
/// #[derive(Clone, Copy, Debug, PartialEq)]
/// pub enum ErrorKind { Gone }
///
/// impl ErrorClass for ErrorKind {
///     fn code(self) -> &'static str { "ResourceNotFoundException" }
///     fn retry(self) -> Retry { Retry::Never }
/// }
///
/// error_type!(
///     /// What this crate's operations fail with.
///     Error of ErrorKind
/// );
///
/// let error = Error::new(ErrorKind::Gone, "no such secret")
///     .with("secret", "prod/db")
///     .during("DescribeKey")
///     .during("GetSecretValue") // the operation that was called, not one that it used
///     .because(std::io::Error::other("inner"));
/// assert_eq!(error.to_string(), "GetSecretValue: no such secret (secret: prod/db)");
/// assert_eq!(error.source().unwrap().to_string(), "inner");
/// assert_eq!((error.kind(), error.retry()), (ErrorKind::Gone, Retry::Never));
/// assert_eq!((error.code(), error.message()), ("ResourceNotFoundException", "no such secret"));
/// assert_eq!(error.context("secret"), Some("prod/db"));
/// // A clone is equal, including its source.
/// assert_eq!((error.clone().to_string(), error.clone().source().is_some()), (error.to_string(), true));
/// // Some AWS errors have no text; the code is shown instead.
/// assert_eq!(Error::new(ErrorKind::Gone, "").to_string(), "ResourceNotFoundException");
/// ```
#[macro_export]
macro_rules! error_type {
    ($(#[$attribute:meta])* $name:ident of $kind:ty) => {
        $(#[$attribute])*
        #[derive(Clone)]
        pub struct $name(::std::boxed::Box<$crate::Frame<$kind>>);

        impl $name {
            /// A failure of this kind with its text. The text must not hold a secret.
            #[must_use]
            pub fn new(kind: $kind, message: impl ::std::convert::Into<::std::borrow::Cow<'static, str>>) -> Self {
                Self(::std::boxed::Box::new($crate::Frame::new(kind, message)))
            }

            /// The error around a frame, for crates that pass a failure on under their own kind.
            #[must_use]
            pub fn from_frame(frame: $crate::Frame<$kind>) -> Self {
                Self(::std::boxed::Box::new(frame))
            }

            /// The frame inside: see [`Self::from_frame`].
            #[must_use]
            pub fn into_frame(self) -> $crate::Frame<$kind> {
                *self.0
            }

            /// The kind of failure, for branching.
            #[must_use]
            pub fn kind(&self) -> $kind {
                self.0.kind()
            }

            /// The AWS error code this corresponds to.
            #[must_use]
            pub fn code(&self) -> &'static str {
                $crate::ErrorClass::code(self.0.kind())
            }

            /// Whether trying again can help.
            #[must_use]
            pub fn retry(&self) -> $crate::Retry {
                $crate::ErrorClass::retry(self.0.kind())
            }

            /// The text only; exactly AWS's, if AWS has one for the case.
            #[must_use]
            pub fn message(&self) -> &str {
                self.0.message()
            }

            /// The operation that was called, if a layer has named it.
            #[must_use]
            pub fn operation(&self) -> Option<&'static str> {
                self.0.operation()
            }

            /// Names the operation that was called; the last, outermost name wins.
            #[must_use]
            pub fn during(mut self, operation: &'static str) -> Self {
                self.0.set_operation(operation);
                self
            }

            /// The fact that was added under this key, such as `secret`.
            #[must_use]
            pub fn context(&self, key: &str) -> Option<&str> {
                self.0.context(key)
            }

            /// Adds a fact for people reading the error: a name, a version or key id, a path; never
            /// a secret.
            #[must_use]
            pub fn with(mut self, key: &'static str, value: impl ::std::fmt::Display) -> Self {
                self.0.push_context(key, ::std::string::ToString::to_string(&value));
                self
            }

            /// Keeps the underlying failure as the source.
            #[must_use]
            pub fn because(
                mut self,
                source: impl ::std::convert::Into<::std::boxed::Box<dyn ::std::error::Error + Send + Sync>>,
            ) -> Self {
                self.0.set_source(source.into());
                self
            }
        }

        impl $crate::Failure for $name {
            type Kind = $kind;

            fn failure_kind(&self) -> $kind {
                self.0.kind()
            }

            fn around(frame: $crate::Frame<$kind>) -> Self {
                Self::from_frame(frame)
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                ::std::fmt::Display::fmt(&self.0, f)
            }
        }

        impl ::std::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                ::std::fmt::Debug::fmt(&self.0, f)
            }
        }

        impl ::std::error::Error for $name {
            fn source(&self) -> Option<&(dyn ::std::error::Error + 'static)> {
                self.0.source()
            }
        }
    };
}

/// A malformed text: what was parsed, the text (shortened), and what was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    what: &'static str,
    given: String,
    expected: &'static str,
}

impl ParseError {
    /// `what` was parsed from `given`, which is not `expected`. `given` must not be a secret.
    #[must_use]
    pub fn new(what: &'static str, given: &str, expected: &'static str) -> Self {
        Self { what, given: given.chars().take(80).collect(), expected }
    }

    /// What was parsed, for example `region`.
    #[must_use]
    pub fn what(&self) -> &'static str {
        self.what
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is not a valid {}: expected {}", self.given, self.what, self.expected)
    }
}

impl StdError for ParseError {}
