//! Opus at 48 kHz mono in 20 ms packets: `audiopus` over libopus 1.6.
//!
//! RFC 6716 (codec), RFC 7587 §3.1 (settings that SDP speaks of). Neither type allocates after
//! construction.

use audiopus::{Application, Bandwidth, Bitrate, Channels, MutSignals, SampleRate, packet::Packet};

use crate::codec::CodecError;

/// The most samples one Opus packet may hold: 120 ms (RFC 6716 §2.1.4).
pub const MAX_PACKET_SAMPLES: usize = 5760;

/// What the encoder may be told while it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpusSettings {
    /// Target bits per second; libopus takes 6 000 to 510 000.
    pub bits_per_second: u32,
    /// 0 (cheapest) to 10 (best).
    pub complexity: u8,
    /// Whether each packet carries a coarse copy of the one before.
    pub in_band_fec: bool,
    /// The loss the encoder prepares for, in percent. Without it no FEC is spent.
    pub expected_loss: u8,
    /// Whether silence may go unsent.
    pub dtx: bool,
    /// The widest audio band to send.
    pub max_band: AudioBand,
}

impl Default for OpusSettings {
    fn default() -> Self {
        Self {
            bits_per_second: 28_000,
            complexity: 5,
            in_band_fec: true,
            expected_loss: 5,
            dtx: false,
            max_band: AudioBand::Full,
        }
    }
}

/// RFC 6716 §2.1.3: audio bandwidth, with the effective sample rate it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AudioBand {
    /// 4 kHz of audio, 8 kHz sampling.
    Narrow,
    /// 6 kHz of audio, 12 kHz sampling.
    Medium,
    /// 8 kHz of audio, 16 kHz sampling.
    Wide,
    /// 12 kHz of audio, 24 kHz sampling.
    SuperWide,
    /// 20 kHz of audio, 48 kHz sampling.
    Full,
}

impl AudioBand {
    /// The widest band within `rate` samples per second (RFC 7587 `maxplaybackrate`).
    pub fn for_playback_rate(rate: u32) -> Self {
        match rate {
            0..12_000 => Self::Narrow,
            12_000..16_000 => Self::Medium,
            16_000..24_000 => Self::Wide,
            24_000..48_000 => Self::SuperWide,
            48_000.. => Self::Full,
        }
    }
}

/// Turns 20 ms of sound into one packet.
#[derive(Debug)]
pub struct OpusEncoder {
    inner: audiopus::coder::Encoder,
    settings: OpusSettings,
}

impl OpusEncoder {
    /// An encoder tuned for speech.
    pub fn new(settings: OpusSettings) -> Result<Self, CodecError> {
        let inner =
            audiopus::coder::Encoder::new(SampleRate::Hz48000, Channels::Mono, Application::Voip)?;
        let mut encoder = Self { inner, settings };
        encoder.apply(settings)?;
        Ok(encoder)
    }

    /// Changes the settings from the next packet on.
    pub fn apply(&mut self, settings: OpusSettings) -> Result<(), CodecError> {
        let bits_per_second = settings.bits_per_second.clamp(6_000, 510_000);
        self.inner.set_bitrate(Bitrate::BitsPerSecond(bits_per_second.cast_signed()))?;
        self.inner.set_complexity(settings.complexity.min(10))?;
        self.inner.set_inband_fec(settings.in_band_fec)?;
        self.inner.set_packet_loss_perc(settings.expected_loss.min(100))?;
        self.inner.set_dtx(settings.dtx)?;
        self.inner.set_max_bandwidth(match settings.max_band {
            AudioBand::Narrow => Bandwidth::Narrowband,
            AudioBand::Medium => Bandwidth::Mediumband,
            AudioBand::Wide => Bandwidth::Wideband,
            AudioBand::SuperWide => Bandwidth::Superwideband,
            AudioBand::Full => Bandwidth::Fullband,
        })?;
        self.settings = settings;
        Ok(())
    }

    /// The settings in force.
    pub fn settings(&self) -> OpusSettings {
        self.settings
    }

    /// Encodes 960 samples and says how many bytes of `packet` were written.
    ///
    /// Up to 2 bytes mean that DTX sees no need to send anything.
    pub fn encode(&mut self, samples: &[i16; 960], packet: &mut [u8]) -> Result<usize, CodecError> {
        Ok(self.inner.encode(samples, packet)?)
    }
}

/// Turns packets, also stereo ones and ones of other lengths, into mono sound.
#[derive(Debug)]
pub struct OpusDecoder {
    inner: audiopus::coder::Decoder,
}

impl OpusDecoder {
    /// A decoder for one stream.
    pub fn new() -> Result<Self, CodecError> {
        let inner = audiopus::coder::Decoder::new(SampleRate::Hz48000, Channels::Mono)?;
        Ok(Self { inner })
    }

    /// Forgets the stream so far.
    pub fn reset(&mut self) -> Result<(), CodecError> {
        use audiopus::coder::GenericCtl;
        Ok(self.inner.reset_state()?)
    }

    /// How many samples `packet` holds, from its first bytes alone.
    pub fn duration(packet: &[u8]) -> Result<usize, CodecError> {
        let samples = audiopus::packet::nb_samples(Packet::try_from(packet)?, SampleRate::Hz48000)?;
        if samples == 0 { Err(CodecError::Malformed) } else { Ok(samples) }
    }

    /// Whether `packet` carries a copy of the packet before it.
    pub fn has_redundancy(packet: &[u8]) -> bool {
        audiopus_sys::packet_has_lbrr(packet)
    }

    /// Decodes `packet` into the front of `samples` and says how many there are.
    pub fn decode(&mut self, packet: &[u8], samples: &mut [i16]) -> Result<usize, CodecError> {
        self.run(Some(packet), samples, false)
    }

    /// Fills `samples`, the time just before `following`, from the copy that `following` carries.
    pub fn recover(&mut self, following: &[u8], samples: &mut [i16]) -> Result<(), CodecError> {
        self.run(Some(following), samples, true).map(drop)
    }

    /// Fills `samples`, a multiple of 2.5 ms, with what probably was there.
    pub fn conceal(&mut self, samples: &mut [i16]) -> Result<(), CodecError> {
        self.run(None, samples, false).map(drop)
    }

    fn run(
        &mut self,
        packet: Option<&[u8]>,
        samples: &mut [i16],
        fec: bool,
    ) -> Result<usize, CodecError> {
        let packet = packet.map(Packet::try_from).transpose()?;
        Ok(self.inner.decode(packet, MutSignals::try_from(samples)?, fec)?)
    }
}
