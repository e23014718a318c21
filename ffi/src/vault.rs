//! Small files sealed with the app's key, as they cross: what blocks runs on the library's threads.

use crate::{CallHistory, Messages, StartError, VaultError, android, runtime};
use sidetone_driver as driver;
use std::convert;
use std::path::Path;
use std::sync::Arc;
use tokio::task::spawn_blocking;

/// Small files sealed with the app's key. Given to a phone, it keeps there what must survive the process.
/// The app may keep its own beside them, under names of `a-z`, `0-9` and `-`; the phone's are `phone`, and
/// `history-` and `messages-` with a number.
#[derive(uniffi::Object)]
pub struct Vault {
    sealed: Arc<driver::Vault>,
    stores: driver::Stores,
}

#[uniffi::export]
impl Vault {
    /// The vault in this folder, which is made where there is none. The key has 32 bytes and comes from
    /// the platform's key store.
    #[uniffi::constructor]
    pub async fn open(directory: String, key: Vec<u8>) -> Result<Arc<Self>, VaultError> {
        if !android::is_ready() {
            return Err(VaultError::not_initialised());
        }
        let key: [u8; 32] = key.try_into().map_err(|key: Vec<u8>| VaultError::key(key.len()))?;
        let sealed = blocking(move || driver::Vault::open(Path::new(&directory), &key)).await?;
        let sealed = Arc::new(sealed);
        let stores = driver::Stores::new(Some(&sealed));
        Ok(Arc::new(Self { sealed, stores }))
    }

    /// What was stored under this name.
    pub async fn read(&self, name: String) -> Result<Option<Vec<u8>>, VaultError> {
        let sealed = Arc::clone(&self.sealed);
        blocking(move || sealed.read(&name)).await
    }

    /// The calls that are over, of each phone that was given this vault; there before any phone is.
    pub fn history(&self) -> Arc<CallHistory> {
        CallHistory::of(Arc::clone(&self.stores.history))
    }

    /// The messages of each phone that was given this vault; there before any phone is.
    pub fn messages(&self) -> Arc<Messages> {
        Messages::of(Arc::clone(&self.stores.messages))
    }

    /// Stores this in place of what was there. When it returns it is on the disk.
    pub async fn write(&self, name: String, content: Vec<u8>) -> Result<(), VaultError> {
        let sealed = Arc::clone(&self.sealed);
        blocking(move || sealed.write(&name, &content)).await
    }

    /// Removes what was stored under this name, if anything was.
    pub async fn remove(&self, name: String) -> Result<(), VaultError> {
        let sealed = Arc::clone(&self.sealed);
        blocking(move || sealed.remove(&name)).await
    }
}

impl Vault {
    /// The driver's, for a phone.
    pub(crate) fn sealed(&self) -> (Arc<driver::Vault>, driver::Stores) {
        (Arc::clone(&self.sealed), self.stores.clone())
    }
}

/// Does on a thread for it what may block.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, driver::VaultError> + Send + 'static,
) -> Result<T, VaultError> {
    let runtime = runtime::handle().map_err(|error: StartError| VaultError::system(error))?;
    let done = runtime.spawn(async { spawn_blocking(work).await }).await;
    Ok(done.and_then(convert::identity).map_err(VaultError::system)??)
}

/// Does on the library's threads what blocks in a store.
pub(crate) async fn on_runtime<T: Send + 'static>(
    work: impl Future<Output = Result<T, driver::VaultError>> + Send + 'static,
) -> Result<T, VaultError> {
    let runtime = runtime::handle().map_err(|error: StartError| VaultError::system(error))?;
    let done = runtime.spawn(work).await.map_err(VaultError::system);
    done.and_then(|done| done.map_err(Into::into))
}
