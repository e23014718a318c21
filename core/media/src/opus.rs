//! Opus at 48 kHz mono in 20 ms packets: `audiopus` over libopus 1.6.
//!
//! RFC 6716 (codec), RFC 7587 §3.1 (settings that SDP speaks of). Neither type allocates after
//! construction.

use audiopus::coder::GenericCtl as _;
use audiopus::{Application, Bandwidth, Bitrate, Channels, MutSignals, SampleRate, packet::Packet};

use crate::CodecError;

/// The most samples one Opus packet may hold: 120 ms (RFC 6716 §2.1.4).
pub const MAX_PACKET_SAMPLES: usize = 5760;

/// The packets at a stream's beginning that stand for themselves: some may be lost.
const INDEPENDENT: u8 = 5;

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
    /// As many packets to come stand for themselves.
    independent: u8,
}

impl OpusEncoder {
    /// An encoder tuned for speech.
    pub fn new(settings: OpusSettings) -> Result<Self, CodecError> {
        let inner =
            audiopus::coder::Encoder::new(SampleRate::Hz48000, Channels::Mono, Application::Voip)?;
        let mut encoder = Self { inner, settings, independent: 0 };
        encoder.apply(settings)?;
        Ok(encoder)
    }

    /// Begins anew: the first packets build on none before them (RFC 6716 §4.3.2.1, intra energy), for the
    /// far end's decoder may come from another stream, as the music of a server that passes packets on.
    /// What builds on the wrong loudness is heard as a crack at full scale.
    pub fn begin(&mut self) -> Result<(), CodecError> {
        self.inner.reset_state()?;
        self.inner.set_prediction_disabled(true)?;
        self.independent = INDEPENDENT;
        Ok(())
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
        let length = self.inner.encode(samples, packet)?;
        if self.independent > 0 {
            self.independent -= 1;
            if self.independent == 0 {
                self.inner.set_prediction_disabled(false)?;
            }
        }
        Ok(length)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spectrum::{level_of, sine};

    fn packets(settings: OpusSettings, sound: &[i16]) -> Vec<Vec<u8>> {
        let mut encoder = OpusEncoder::new(settings).unwrap();
        sound.as_chunks::<960>().0.iter().map(|frame| encode(&mut encoder, frame)).collect()
    }

    fn encode(encoder: &mut OpusEncoder, frame: &[i16; 960]) -> Vec<u8> {
        let mut packet = vec![0; 1_275];
        let length = encoder.encode(frame, &mut packet).unwrap();
        packet.truncate(length);
        packet
    }

    #[test]
    fn it_is_libopus_1_6() {
        assert!(audiopus::version().starts_with("libopus 1.6"), "{}", audiopus::version());
    }

    #[test]
    fn the_bit_rate_changes_from_one_packet_to_the_next() {
        let sound = sine(440.0, -10.0, 48_000, 48_000);
        let mut encoder = OpusEncoder::new(OpusSettings::default()).unwrap();
        let mut sizes = vec![];
        for bits_per_second in [12_000, 48_000, 12_000] {
            encoder.apply(OpusSettings { bits_per_second, ..Default::default() }).unwrap();
            let frames = sound.as_chunks::<960>().0;
            let bytes: usize = frames.iter().map(|frame| encode(&mut encoder, frame).len()).sum();
            sizes.push(bytes * 8);
        }
        assert!(sizes[1] > 2 * sizes[0] && sizes[1] > 2 * sizes[2], "{sizes:?}");
    }

    #[test]
    fn the_band_follows_the_playback_rate() {
        for (rate, band) in [
            (8_000, AudioBand::Narrow),
            (16_000, AudioBand::Wide),
            (24_000, AudioBand::SuperWide),
            (44_100, AudioBand::SuperWide),
            (48_000, AudioBand::Full),
        ] {
            assert_eq!(AudioBand::for_playback_rate(rate), band);
        }
        let bits_per_second = 40_000;
        let wide = OpusSettings { bits_per_second, ..Default::default() };
        let narrow = OpusSettings { max_band: AudioBand::Narrow, ..wide };
        let high = sine(6_000.0, -10.0, 48_000, 48_000);
        for (settings, heard) in [(wide, true), (narrow, false)] {
            let mut decoder = OpusDecoder::new().unwrap();
            let mut sound = vec![];
            for packet in packets(settings, &high) {
                let mut samples = [0; MAX_PACKET_SAMPLES];
                let length = decoder.decode(&packet, &mut samples).unwrap();
                sound.extend_from_slice(&samples[..length]);
            }
            let level = level_of(&sound[9_600..], 48_000, 6_000.0);
            assert_eq!(level > -20.0, heard, "{settings:?}: {level}");
        }
    }

    #[test]
    fn a_copy_is_carried_only_when_loss_is_expected() {
        let mut sound = sine(300.0, -10.0, 48_000, 96_000);
        for (n, sample) in sound.iter_mut().enumerate() {
            if n / 9_600 % 2 == 1 {
                *sample /= 100;
            }
        }
        for (expected_loss, in_band_fec, copies) in
            [(20, true, true), (0, true, false), (20, false, false)]
        {
            let settings = OpusSettings { expected_loss, in_band_fec, ..Default::default() };
            let any =
                packets(settings, &sound).iter().any(|packet| OpusDecoder::has_redundancy(packet));
            assert_eq!(any, copies, "{settings:?}");
        }
    }

    #[test]
    fn a_malformed_packet_is_an_error_and_the_decoder_goes_on() {
        let mut decoder = OpusDecoder::new().unwrap();
        let mut samples = [0; MAX_PACKET_SAMPLES];
        // RFC 6716 §3.4: no bytes [R1], odd length of two equal frames [R3], zero frames [R5].
        for bad in [&[][..], &[0x01, 0, 0, 0][..], &[0x03, 0x00][..], &[0x03][..]] {
            assert!(decoder.decode(bad, &mut samples).is_err(), "{bad:?}");
            assert!(!OpusDecoder::has_redundancy(bad));
        }
        assert_eq!(OpusDecoder::duration(&[]), Err(CodecError::Malformed));
        assert_eq!(OpusDecoder::duration(&[0x03, 0x00]), Err(CodecError::Malformed));
        let good = packets(OpusSettings::default(), &[0; 960]);
        assert_eq!(decoder.decode(&good[0], &mut samples), Ok(960));
        assert_eq!(decoder.decode(&good[0], &mut [0; 10]), Err(CodecError::BufferTooSmall));
    }
}
