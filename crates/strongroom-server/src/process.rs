//! Process-wide settings: core dumps, locked memory, open files.

use std::error::Error;

use crate::arguments::Arguments;

/// The minimum limit on open files: enough for storage, the runtime, and a few connections.
#[cfg(unix)]
const MIN_FILES: u64 = 64;

/// Disables core dumps and debuggers unless they are allowed, locks memory if requested, and raises
/// the limit on open files to its maximum.
#[cfg(unix)]
pub(crate) fn protect(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    if !arguments.core_dumps {
        let none = Rlimit { current: Some(0), maximum: Some(0) };
        if let Err(error) = setrlimit(Resource::Core, none) {
            tracing::warn!(%error, "failed to disable core dumps");
        }
        // The limit does not apply if the core pattern pipes dumps to a program. A non-dumpable
        // process produces none at all.
        #[cfg(target_os = "linux")]
        if let Err(error) =
            rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)
        {
            tracing::warn!(%error, "failed to make the process non-dumpable");
        }
    }
    if arguments.mlock {
        #[cfg(target_os = "linux")]
        {
            use rustix::mm::{MlockAllFlags, mlockall};
            // Locks pages on first use, because the allocator reserves more than it needs.
            let flags = MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT;
            mlockall(flags).map_err(|error| {
                format!("--mlock: failed to lock memory: {error}; raise the limit, for example with LimitMEMLOCK=infinity")
            })?;
        }
        #[cfg(not(target_os = "linux"))]
        return Err("--mlock: available only on Linux".into());
    }
    // Each connection is an open file.
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if setrlimit(Resource::Nofile, limit).is_err() {
        tracing::warn!("failed to raise the limit on open files");
    }
    match getrlimit(Resource::Nofile).current {
        Some(files) if files < MIN_FILES => Err(format!(
            "the process can open only {files} files but needs at least {MIN_FILES}: raise the limit (ulimit -n)"
        )
        .into()),
        _ => Ok(()),
    }
}

#[cfg(not(unix))]
pub(crate) fn protect(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    if arguments.mlock { Err("--mlock: available only on Linux".into()) } else { Ok(()) }
}
