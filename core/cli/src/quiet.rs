//! Standard error kept off the screen: libraries of the system (ALSA) print there by themselves.

use std::fs::File;

/// Standard error goes elsewhere for as long as this lives.
#[derive(Debug)]
pub(crate) struct Quiet {
    #[cfg(unix)]
    kept: std::sync::Arc<std::os::fd::OwnedFd>,
}

impl Quiet {
    /// While devices are looked for. What fails is told by us; whoever asked for a log gets all.
    pub(crate) fn while_devices_are_tried() -> Option<Self> {
        if log::max_level() != log::LevelFilter::Off {
            return None;
        }
        Self::redirect(None)
    }

    /// While the phone is on the screen: into this file, or nowhere. Where it does not go to a
    /// terminal it stays as it is. A panic is told on the terminal all the same.
    pub(crate) fn while_on_screen(log: Option<File>) -> Option<Self> {
        use std::io::IsTerminal as _;
        if !std::io::stderr().is_terminal() {
            return None;
        }
        let quiet = Self::redirect(log)?;
        #[cfg(unix)]
        {
            let (kept, told) = (quiet.kept.clone(), std::panic::take_hook());
            std::panic::set_hook(Box::new(move |panic| {
                let _ = rustix::stdio::dup2_stderr(&kept);
                told(panic);
            }));
        }
        Some(quiet)
    }

    #[cfg(unix)]
    fn redirect(target: Option<File>) -> Option<Self> {
        use std::os::fd::AsFd as _;
        let nowhere = || File::options().write(true).open("/dev/null").ok();
        let target = target.or_else(nowhere)?;
        let kept = std::io::stderr().as_fd().try_clone_to_owned().ok()?;
        rustix::stdio::dup2_stderr(&target).ok()?;
        Some(Self { kept: kept.into() })
    }

    #[cfg(not(unix))]
    fn redirect(_: Option<File>) -> Option<Self> {
        None
    }
}

#[cfg(unix)]
impl Drop for Quiet {
    fn drop(&mut self) {
        // It was open before, so that there is nothing to fail.
        let _ = rustix::stdio::dup2_stderr(&self.kept);
    }
}
