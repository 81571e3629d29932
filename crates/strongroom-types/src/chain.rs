//! An error with its causes, for people.

use std::error::Error;
use std::fmt;

/// Shows an error and its sources on one line, for a program's last word:
/// `error: cause: cause of the cause`.
///
/// An error type of this workspace does not repeat its source in `Display`; others do. A source
/// whose text is already part of what was shown is left out.
///
/// ```
/// use strongroom_types::chain;
///
/// let missing = std::io::Error::other("disk full");
/// assert_eq!(chain(&missing).to_string(), "disk full");
/// let outer = std::io::Error::other(Wrapped(missing));
/// assert_eq!(chain(&outer).to_string(), "the backup failed: disk full");
/// # #[derive(Debug)]
/// # struct Wrapped(std::io::Error);
/// # impl std::fmt::Display for Wrapped {
/// #     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
/// #         f.write_str("the backup failed")
/// #     }
/// # }
/// # impl std::error::Error for Wrapped {
/// #     fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
/// #         Some(&self.0)
/// #     }
/// # }
/// ```
#[must_use]
pub fn chain<'a>(error: &'a (dyn Error + 'static)) -> Chain<'a> {
    Chain(error)
}

/// An error with its sources. Made by [`chain`].
#[derive(Clone, Copy, Debug)]
pub struct Chain<'a>(&'a (dyn Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = self.0.to_string();
        f.write_str(&shown)?;
        let mut next = self.0.source();
        while let Some(error) = next {
            let text = error.to_string();
            if !shown.contains(&text) {
                write!(f, ": {text}")?;
                shown.push_str(&text);
            }
            next = error.source();
        }
        Ok(())
    }
}
