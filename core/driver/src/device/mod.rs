//! Microphones and loudspeakers behind one trait: they only copy PCM through rings.

/// Why audio cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum AudioError {
    /// No such device; the text lists those that exist.
    #[error("there is no audio device \"{name}\"; choose one of: {available}, a WAV file, or null")]
    NoDevice {
        /// What was asked for.
        name: String,
        /// What exists.
        available: String,
    },
    /// A file that cannot be used.
    #[error("the audio file {path} cannot be used: {detail}")]
    File {
        /// The file.
        path: String,
        /// What is wrong.
        detail: String,
    },
    /// The device refused.
    #[error("the audio device \"{name}\" cannot be opened: {detail}")]
    Device {
        /// The device.
        name: String,
        /// What the system said.
        detail: String,
    },
}
