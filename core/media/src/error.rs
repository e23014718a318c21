//! Why a codec refuses.

/// Why a payload could not be coded or decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// The payload is not what the codec calls a packet.
    #[error("malformed payload")]
    Malformed,
    /// The given buffer cannot hold the result.
    #[error("buffer too small")]
    BufferTooSmall,
    /// The codec refused for another reason.
    #[error("codec failure: {0}")]
    Failed(audiopus::Error),
}

impl From<audiopus::Error> for CodecError {
    fn from(error: audiopus::Error) -> Self {
        use audiopus::ErrorCode;
        if matches!(error, audiopus::Error::EmptyPacket)
            || matches!(error, audiopus::Error::Opus(ErrorCode::InvalidPacket))
        {
            Self::Malformed
        } else if matches!(error, audiopus::Error::Opus(ErrorCode::BufferTooSmall)) {
            Self::BufferTooSmall
        } else {
            Self::Failed(error)
        }
    }
}
