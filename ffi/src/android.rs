//! What Android must give before the library can check certificates: its virtual machine and a Context.
//!
//! Certificates are checked by the platform's own code, which is Java. Kotlin calls
//! `org.sidetone.sdk.Native.init(context)` once, after `System.loadLibrary("sidetone_ffi")`; before that a
//! phone cannot be started.

use std::sync::atomic::{AtomicBool, Ordering};

static READY: AtomicBool = AtomicBool::new(!cfg!(target_os = "android"));

/// Whether all that the platform must give is there; everywhere but on Android it always is.
pub(crate) fn is_ready() -> bool {
    READY.load(Ordering::Acquire)
}

#[cfg(target_os = "android")]
mod native {
    use super::{Ordering, READY};
    use jni::EnvUnowned;
    use jni::errors::{Error, ThrowRuntimeExAndDefault};
    use jni::objects::JObject;

    /// `external fun init(context: Context)` of the object `org.sidetone.sdk.Native`. May be called more
    /// than once; throws a RuntimeException where the platform's verifier is not in the app.
    #[allow(unsafe_code, reason = "the virtual machine finds it by its name")]
    #[allow(non_snake_case, reason = "the name that JNI prescribes")]
    #[unsafe(no_mangle)]
    extern "system" fn Java_org_sidetone_sdk_Native_init<'local>(
        mut env: EnvUnowned<'local>,
        _object: JObject<'local>,
        context: JObject<'local>,
    ) {
        env.with_env(|env| -> Result<(), Error> {
            rustls_platform_verifier::android::init_with_env(env, context)?;
            READY.store(true, Ordering::Release);
            Ok(())
        })
        .resolve::<ThrowRuntimeExAndDefault>();
    }
}
