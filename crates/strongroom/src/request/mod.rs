//! Request builders: begun at the [`Strongroom`](crate::Strongroom), filled, and sent.
//!
//! Each is the same in its async form, `send().await`, and under the `blocking` feature, `send()`: the type parameter
//! tells which room it was begun at.

mod batch;
mod delete;
mod list;
mod password;
mod policy;
mod read;
mod stage;
mod write;

pub use batch::{GetBatch, GetMatching};
pub use delete::Delete;
pub use list::{List, ListVersions};
pub use password::RandomPassword;
pub use policy::{PutPolicy, ValidatePolicy};
pub use read::Get;
pub use stage::MoveStage;
pub use write::{Create, Put, Update};

/// Defines how a builder is sent: awaited at a [`Strongroom`](crate::Strongroom), directly at a blocking one.
macro_rules! sends {
    ($builder:ident => $answer:ty, $(#[$doc:meta])*) => {
        impl $builder<crate::Strongroom> {
            $(#[$doc])*
            pub async fn send(self) -> Result<$answer, crate::Error> {
                self.run().await
            }
        }

        #[cfg(feature = "blocking")]
        impl $builder<crate::blocking::Strongroom> {
            $(#[$doc])*
            pub fn send(self) -> Result<$answer, crate::Error> {
                pollster::block_on(self.run())
            }
        }
    };
}
pub(crate) use sends;

/// A room that builders can be begun at.
pub trait Room: private::Sealed {}

impl Room for crate::Strongroom {}

#[cfg(feature = "blocking")]
impl Room for crate::blocking::Strongroom {}

pub(crate) mod private {
    /// Gives a builder its room, and keeps the trait ours.
    pub trait Sealed {
        /// The room to run on.
        fn room(&self) -> &crate::Strongroom;
    }

    impl Sealed for crate::Strongroom {
        fn room(&self) -> &crate::Strongroom {
            self
        }
    }

    #[cfg(feature = "blocking")]
    impl Sealed for crate::blocking::Strongroom {
        fn room(&self) -> &crate::Strongroom {
            self.as_async()
        }
    }
}
