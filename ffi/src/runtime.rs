//! The library's thread: one tokio runtime that lives as long as the process.

use crate::StartError;
use std::sync::OnceLock;
use std::{future, io, thread};
use tokio::runtime::{Builder, Handle};

/// Threads for what blocks: name resolution, opening devices, files. A resolver that hangs holds one
/// for as long as the system lets it.
const BLOCKING_THREADS: usize = 64;

static RUNTIME: OnceLock<Result<Handle, String>> = OnceLock::new();

/// The runtime; its thread is started by the first phone.
pub(crate) fn handle() -> Result<&'static Handle, StartError> {
    RUNTIME
        .get_or_init(|| start().map_err(|e| e.to_string()))
        .as_ref()
        .map_err(StartError::no_thread)
}

fn start() -> io::Result<Handle> {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS)
        .thread_name("sidetone-wait")
        .build()?;
    let handle = runtime.handle().clone();
    thread::Builder::new()
        .name("sidetone".to_owned())
        .spawn(move || runtime.block_on(future::pending::<()>()))?;
    Ok(handle)
}
