//! What the process asks of the operating system: no core dumps, locked memory, open files.

use std::error::Error;

use crate::arguments::Arguments;

/// Enough for storage, the runtime, and a few connections.
#[cfg(unix)]
const FEWEST_FILES: u64 = 64;

/// Turns off core dumps and debuggers unless they are allowed, locks memory if asked to, and raises
/// the limit on open files as far as it goes.
#[cfg(unix)]
pub(crate) fn protect(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    if !arguments.core_dumps {
        let none = Rlimit { current: Some(0), maximum: Some(0) };
        if let Err(error) = setrlimit(Resource::Core, none) {
            tracing::warn!(%error, "core dumps could not be disabled");
        }
        // The limit does not apply where a core pattern pipes cores to a program; a process that is
        // not dumpable has no core at all.
        #[cfg(target_os = "linux")]
        if let Err(error) =
            rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)
        {
            tracing::warn!(%error, "the process could not be made non-dumpable");
        }
    }
    if arguments.mlock {
        #[cfg(target_os = "linux")]
        {
            use rustix::mm::{MlockAllFlags, mlockall};
            // Pages are locked when they are used: the allocator reserves more than it needs.
            let flags = MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT;
            mlockall(flags).map_err(|error| {
                format!("--mlock: memory cannot be locked ({error}); raise the limit, for example LimitMEMLOCK=infinity")
            })?;
        }
        #[cfg(not(target_os = "linux"))]
        return Err("--mlock: only on Linux".into());
    }
    // Each connection is an open file.
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if setrlimit(Resource::Nofile, limit).is_err() {
        tracing::warn!("the limit on open files could not be raised");
    }
    match getrlimit(Resource::Nofile).current {
        Some(files) if files < FEWEST_FILES => Err(format!(
            "the process may open only {files} files but needs at least {FEWEST_FILES}: raise the limit (ulimit -n)"
        )
        .into()),
        _ => Ok(()),
    }
}

#[cfg(not(unix))]
pub(crate) fn protect(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    if arguments.mlock { Err("--mlock: only on Linux".into()) } else { Ok(()) }
}
