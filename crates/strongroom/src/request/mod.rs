//! The calls that take more than one argument: each begins at the room, is filled, and sent.
//!
//! Each is the same in its async form, `send().await`, and under the `blocking` feature, `send()`:
//! the type parameter is the handle that it was begun at.

mod batch;
mod delete;
mod list;
mod password;
mod policy;
mod put_or_create;
mod read;
mod stage;
mod write;

pub use batch::{GetBatch, GetMatching};
pub use delete::Delete;
pub use list::{List, ListVersions};
pub use password::RandomPassword;
pub use policy::{PutPolicy, SecretPolicy, ValidatePolicy};
pub use put_or_create::{PutOrCreate, Stored};
pub use read::Get;
pub use stage::MoveStage;
pub use write::{Create, Put, Update};

/// Defines the call that begins a builder, at a [`Strongroom`](crate::Strongroom) and at a blocking
/// one.
macro_rules! begins {
    (
        $(#[$doc:meta])*
        $name:ident($($argument:ident: $type:ty),*) -> $builder:ident, |$room:ident| $begun:expr
    ) => {
        impl crate::Strongroom {
            $(#[$doc])*
            pub fn $name(&self, $($argument: $type),*) -> $builder {
                let $room = self.clone();
                $begun
            }
        }

        #[cfg(feature = "blocking")]
        impl crate::blocking_room::Strongroom {
            #[doc = concat!("As [`crate::Strongroom::", stringify!($name), "`].")]
            pub fn $name(&self, $($argument: $type),*) -> $builder<Self> {
                let $room = self.clone();
                $begun
            }
        }
    };
}
pub(crate) use begins;

/// Defines how a builder is sent: awaited at a [`Strongroom`](crate::Strongroom), directly at a
/// blocking one.
macro_rules! sends {
    ($builder:ident => $answer:ty, $(#[$doc:meta])*) => {
        impl $builder<crate::Strongroom> {
            $(#[$doc])*
            pub async fn send(self) -> Result<$answer, crate::Error> {
                self.run().await
            }
        }

        #[cfg(feature = "blocking")]
        impl $builder<crate::blocking_room::Strongroom> {
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
impl Room for crate::blocking_room::Strongroom {}

pub(crate) mod private {
    /// Gives a builder its room, and keeps others from implementing the trait.
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
    impl Sealed for crate::blocking_room::Strongroom {
        fn room(&self) -> &crate::Strongroom {
            self.as_async()
        }
    }
}
