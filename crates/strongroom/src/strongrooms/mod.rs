//! Many strongrooms in one process: one per account and region.
//!
//! A program that serves several regions or accounts, such as `strongroom-server`, opens
//! [`Strongrooms`] once and gets each strongroom from it:
//!
//! ```
//! # use strongroom::{AccountId, Realm, Region};
//! use strongroom::strongrooms::{DataDirectory, Strongrooms};
//!
//! # let directory = tempfile::tempdir()?;
//! # std::env::set_current_dir(directory.path())?;
//! # pollster::block_on(async {
//! let data = DataDirectory::at("data").root_key_file("root.key").open().await?;
//! let rooms = Strongrooms::builder().directory(&data).open().await?;
//!
//! let account = rooms.home().account();
//! let frankfurt = Realm::new(account, Region::parse("eu-central-1")?);
//! let dublin = Realm::new(account, Region::parse("eu-west-1")?);
//! rooms.create(&frankfurt).await?.create("db").text("one").send().await?;
//! rooms.create(&dublin).await?.create("db").text("two").send().await?;
//!
//! // Each region has its own secrets and keys; users and roles belong to the account.
//! let there = rooms.existing(&frankfurt).await?.ok_or("no such strongroom")?;
//! assert_eq!(there.get("db").send().await?.expose_text()?, "one");
//!
//! // A lookup creates nothing, and regions that are not served are refused.
//! let paris = Realm::new(account, Region::parse("eu-west-3")?);
//! assert!(rooms.existing(&paris).await?.is_none());
//! let invented = Realm::new(account, Region::parse("xa-north-1")?);
//! assert!(rooms.create(&invented).await.is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! * **Storage** comes from a [`RecordsFor`]: [`DataDirectory`], [`MemoryRealms`], or a custom one.
//! * **The number of open strongrooms is bounded** ([`StrongroomsBuilder::most_open`]). Idle
//!   strongrooms are closed. Handles in use stay valid.
//! * **Regions** must be in an allow-list, [`Regions`].
//! * **Nothing is created before it is authorized.** While a realm has no strongroom, an
//!   [`EmptyRoom`] answers in its place: see [`Strongrooms::lookup`].
//! * **Users and roles** of an account are stored in its strongroom in the home region and shared
//!   by its other regions. Policies can name users and roles of other accounts.

mod builder;
#[cfg(feature = "sqlite")]
mod data_directory;
#[cfg(feature = "sqlite")]
mod directory_layout;
#[cfg(feature = "sqlite")]
mod directory_options;
mod empty_room;
#[cfg(feature = "sqlite")]
mod manifest;
mod memory_realms;
mod open_rooms;
mod realms;
mod records_for;
mod regions;
#[cfg(feature = "sqlite")]
mod setup;

pub use builder::StrongroomsBuilder;
#[cfg(feature = "sqlite")]
pub use data_directory::DataDirectory;
#[cfg(feature = "sqlite")]
pub use directory_layout::DirectoryLock;
#[cfg(feature = "sqlite")]
pub use directory_options::DirectoryOptions;
pub use empty_room::{EmptyRoom, Lookup};
pub use memory_realms::MemoryRealms;
pub use realms::Strongrooms;
pub use records_for::{Creation, RecordsFor};
pub use regions::Regions;
