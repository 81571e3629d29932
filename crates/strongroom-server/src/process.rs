//! What the operating system is asked to keep to itself about the process.

use std::error::Error;

use strongroom::{Clock as _, SystemClock};

use crate::arguments::Arguments;

/// Refuses a clock that HTTP's dates and signatures cannot tell: outside the years 1970 to 9999.
pub(crate) fn check_clock() -> Result<(), Box<dyn Error>> {
    const YEAR_10_000: i64 = 253_402_300_800_000;
    if (0..YEAR_10_000).contains(&SystemClock.now().as_millis()) {
        return Ok(());
    }
    Err("the system clock is before 1970 or after 9999: set it first".into())
}

/// Storage, the runtime, and a few connections.
#[cfg(unix)]
const FEWEST_FILES: u64 = 64;

/// No core dumps, no debugger of another user's, as many open files as there may be; locked memory where it is asked for.
#[cfg(unix)]
pub(crate) fn protect(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    if !arguments.core_dumps {
        let none = Rlimit { current: Some(0), maximum: Some(0) };
        if let Err(error) = setrlimit(Resource::Core, none) {
            tracing::warn!(%error, "core dumps stay allowed");
        }
        // What a core pattern pipes away has no limit; a process that is not dumpable has no core at all.
        #[cfg(target_os = "linux")]
        if let Err(error) =
            rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)
        {
            tracing::warn!(%error, "the process stays dumpable");
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
        tracing::warn!("the limit of open files stays as it is");
    }
    match getrlimit(Resource::Nofile).current {
        Some(files) if files < FEWEST_FILES => Err(format!(
            "the process may open {files} files, and needs at least {FEWEST_FILES}: raise the limit (ulimit -n)"
        )
        .into()),
        _ => Ok(()),
    }
}

#[cfg(not(unix))]
pub(crate) fn protect(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    if arguments.mlock { Err("--mlock: only on Linux".into()) } else { Ok(()) }
}
