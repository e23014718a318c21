//! One interface to every codec: 48 kHz mono `i16` on our side, payload bytes on the other.
//!
//! RFC 3551 §4.5.14 (PCMU, PCMA), RFC 7587 (Opus).

use crate::CodecError;
use crate::g711::{Companding, G711Decoder, G711Encoder};
use crate::opus::{OpusDecoder, OpusEncoder, OpusSettings};

/// A codec that SDP can negotiate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Codec {
    /// `opus/48000/2`.
    Opus,
    /// `PCMU/8000`.
    Pcmu,
    /// `PCMA/8000`.
    Pcma,
}

impl Codec {
    /// The RTP clock rate in hertz.
    pub fn clock_rate(self) -> u32 {
        match self {
            Self::Opus => 48_000,
            Self::Pcmu | Self::Pcma => 8_000,
        }
    }

    /// How many of our samples one tick of the RTP clock lasts.
    pub(crate) fn samples_per_tick(self) -> i64 {
        i64::from(crate::SAMPLE_RATE / self.clock_rate())
    }
}

/// The sending half of a codec.
#[derive(Debug)]
pub enum Encoder {
    /// Opus.
    Opus(OpusEncoder),
    /// PCMU or PCMA, resampled.
    G711(Box<G711Encoder>),
}

impl Encoder {
    /// An encoder for `codec`; the settings matter to Opus alone.
    pub fn new(codec: Codec, settings: OpusSettings) -> Result<Self, CodecError> {
        Ok(match codec {
            Codec::Opus => Self::Opus(OpusEncoder::new(settings)?),
            Codec::Pcmu => Self::G711(Box::new(G711Encoder::new(Companding::Mu))),
            Codec::Pcma => Self::G711(Box::new(G711Encoder::new(Companding::A))),
        })
    }

    /// Changes the settings of a running Opus encoder; G.711 has none.
    pub fn apply(&mut self, settings: OpusSettings) -> Result<(), CodecError> {
        match self {
            Self::Opus(encoder) => encoder.apply(settings),
            Self::G711(_) => Ok(()),
        }
    }

    /// Begins anew: what it gives next builds on nothing that it gave before.
    pub fn begin(&mut self) -> Result<(), CodecError> {
        match self {
            Self::Opus(encoder) => encoder.begin(),
            Self::G711(_) => Ok(()),
        }
    }

    /// Encodes 20 ms and says how many bytes of `payload` were written.
    pub fn encode(
        &mut self,
        samples: &[i16; 960],
        payload: &mut [u8],
    ) -> Result<usize, CodecError> {
        match self {
            Self::Opus(encoder) => encoder.encode(samples, payload),
            Self::G711(encoder) => encoder.encode(samples, payload),
        }
    }
}

/// The receiving half of a codec.
#[derive(Debug)]
pub enum Decoder {
    /// Opus.
    Opus(OpusDecoder),
    /// PCMU or PCMA, resampled.
    G711(Box<G711Decoder>),
}

impl Decoder {
    /// A decoder for one stream of `codec`.
    pub fn new(codec: Codec) -> Result<Self, CodecError> {
        Ok(match codec {
            Codec::Opus => Self::Opus(OpusDecoder::new()?),
            Codec::Pcmu => Self::G711(Box::new(G711Decoder::new(Companding::Mu))),
            Codec::Pcma => Self::G711(Box::new(G711Decoder::new(Companding::A))),
        })
    }

    /// Forgets the stream so far.
    pub fn reset(&mut self) {
        match self {
            // A decoder that will not reset goes on with its old state, which is audible at worst.
            Self::Opus(decoder) => drop(decoder.reset()),
            Self::G711(decoder) => decoder.reset(),
        }
    }

    /// How many samples `payload` decodes to.
    pub fn duration(&self, payload: &[u8]) -> Result<usize, CodecError> {
        match self {
            Self::Opus(_) => OpusDecoder::duration(payload),
            Self::G711(_) => G711Decoder::duration(payload),
        }
    }

    /// Whether `payload` carries a copy of the packet before it.
    pub fn has_redundancy(&self, payload: &[u8]) -> bool {
        match self {
            Self::Opus(_) => OpusDecoder::has_redundancy(payload),
            Self::G711(_) => false,
        }
    }

    /// Decodes `payload` into the front of `samples` and says how many there are.
    pub fn decode(&mut self, payload: &[u8], samples: &mut [i16]) -> Result<usize, CodecError> {
        match self {
            Self::Opus(decoder) => decoder.decode(payload, samples),
            Self::G711(decoder) => decoder.decode(payload, samples),
        }
    }

    /// Fills `samples`, the time just before `following`, from the copy inside `following`.
    pub fn recover(&mut self, following: &[u8], samples: &mut [i16]) -> Result<(), CodecError> {
        match self {
            Self::Opus(decoder) => decoder.recover(following, samples),
            Self::G711(decoder) => {
                decoder.conceal(samples);
                Ok(())
            }
        }
    }

    /// Fills `samples`, a multiple of 2.5 ms, with what probably was there.
    pub fn conceal(&mut self, samples: &mut [i16]) {
        match self {
            Self::Opus(decoder) => {
                if decoder.conceal(samples).is_err() {
                    samples.fill(0);
                }
            }
            Self::G711(decoder) => decoder.conceal(samples),
        }
    }
}
