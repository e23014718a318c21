//! PCMU and PCMA: the companding laws, and an encoder and decoder that speak 48 kHz.
//!
//! ITU-T G.711; RFC 3551 §4.5.14. Lost sound is concealed as in G.711 Appendix I (see `conceal`).

use crate::CodecError;
use crate::conceal::PitchConcealer;
use crate::resample::{Downsampler, RATIO, Upsampler};

/// The longest payload taken: 120 ms.
pub const MAX_PAYLOAD: usize = 960;

/// Which law.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Companding {
    /// µ-law: PCMU.
    Mu,
    /// A-law: PCMA.
    A,
}

impl Companding {
    /// One sample as it travels.
    pub fn encode(self, sample: i16) -> u8 {
        match self {
            Self::Mu => encode_mu(sample),
            Self::A => encode_a(sample),
        }
    }

    /// One travelled byte as a sample.
    pub fn decode(self, code: u8) -> i16 {
        match self {
            Self::Mu => decode_mu(code),
            Self::A => decode_a(code),
        }
    }
}

fn encode_mu(sample: i16) -> u8 {
    const BIAS: i32 = 132;
    const CLIP: i32 = 32_635;
    let sign = if sample < 0 { 0x80 } else { 0 };
    let magnitude = i32::from(sample).abs().min(CLIP) + BIAS;
    // The bias makes bit 7 the lowest leading bit.
    let segment = magnitude.ilog2() - 7;
    let mantissa = (magnitude >> (segment + 3)) & 0x0f;
    !(sign | (segment << 4) as u8 | mantissa as u8)
}

fn decode_mu(code: u8) -> i16 {
    let code = !code;
    let segment = (code >> 4) & 0x07;
    let magnitude = (((i16::from(code & 0x0f) << 3) + 132) << segment) - 132;
    if code & 0x80 != 0 { -magnitude } else { magnitude }
}

fn encode_a(sample: i16) -> u8 {
    const EVEN_BITS: u8 = 0x55;
    // 13 bits; a negative sample is coded by its one's complement.
    let (sign, magnitude) =
        if sample < 0 { (0, i32::from(!sample) >> 3) } else { (0x80, i32::from(sample) >> 3) };
    let code = if magnitude < 32 {
        magnitude >> 1
    } else {
        let segment = magnitude.ilog2() - 4;
        ((segment << 4) as i32) | ((magnitude >> segment) & 0x0f)
    };
    (sign | code as u8) ^ EVEN_BITS
}

fn decode_a(code: u8) -> i16 {
    let code = code ^ 0x55;
    let mantissa = i16::from(code & 0x0f) << 4;
    let segment = (code >> 4) & 0x07;
    let magnitude = match segment {
        0 => mantissa + 8,
        _ => (mantissa + 0x108) << (segment - 1),
    };
    if code & 0x80 != 0 { magnitude } else { -magnitude }
}

/// Turns 48 kHz sound into payloads.
#[derive(Debug)]
pub struct G711Encoder {
    law: Companding,
    down: Downsampler,
}

impl G711Encoder {
    /// An encoder for `law`.
    pub fn new(law: Companding) -> Self {
        Self { law, down: Downsampler::new() }
    }

    /// Encodes 20 ms into 160 bytes.
    pub fn encode(
        &mut self,
        samples: &[i16; 960],
        payload: &mut [u8],
    ) -> Result<usize, CodecError> {
        let (chunks, _) = samples.as_chunks::<RATIO>();
        let payload = payload.get_mut(..chunks.len()).ok_or(CodecError::BufferTooSmall)?;
        for (code, chunk) in payload.iter_mut().zip(chunks) {
            *code = self.law.encode(self.down.push(chunk));
        }
        Ok(chunks.len())
    }
}

/// Turns payloads into 48 kHz sound.
#[derive(Debug)]
pub struct G711Decoder {
    law: Companding,
    concealer: PitchConcealer,
    up: Upsampler,
}

impl G711Decoder {
    /// A decoder for `law`.
    pub fn new(law: Companding) -> Self {
        Self { law, concealer: PitchConcealer::new(), up: Upsampler::new() }
    }

    /// Forgets the stream so far.
    pub fn reset(&mut self) {
        self.concealer.reset();
    }

    /// How many samples `payload` decodes to.
    pub fn duration(payload: &[u8]) -> Result<usize, CodecError> {
        match payload.len() {
            1..=MAX_PAYLOAD => Ok(payload.len() * RATIO),
            _ => Err(CodecError::Malformed),
        }
    }

    /// Decodes `payload` into the front of `samples` and says how many there are.
    pub fn decode(&mut self, payload: &[u8], samples: &mut [i16]) -> Result<usize, CodecError> {
        let length = Self::duration(payload)?;
        let samples = samples.get_mut(..length).ok_or(CodecError::BufferTooSmall)?;
        for (code, out) in payload.iter().zip(samples.chunks_exact_mut(RATIO)) {
            self.up.push(self.concealer.hear(self.law.decode(*code)), out);
        }
        Ok(length)
    }

    /// Fills `samples` with what probably was there; it fades within 60 ms.
    pub fn conceal(&mut self, samples: &mut [i16]) {
        for out in samples.chunks_mut(RATIO) {
            self.up.push(self.concealer.invent(), out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spectrum::{level_of, sine};

    #[test]
    fn mu_law_agrees_with_the_reference_values() {
        for (code, sample) in [
            (0x00, -32_124),
            (0x80, 32_124),
            (0x8f, 16_764),
            (0x0f, -16_764),
            (0xce, 988),
            (0xe0, 372),
            (0xef, 132),
            (0xf0, 120),
            (0xfe, 8),
            (0xff, 0),
            (0x7f, 0),
            (0x7e, -8),
        ] {
            assert_eq!(Companding::Mu.decode(code), sample, "{code:#04x}");
        }
        assert_eq!(Companding::Mu.encode(0), 0xff);
        assert_eq!(Companding::Mu.encode(i16::MAX), 0x80);
        assert_eq!(Companding::Mu.encode(i16::MIN), 0x00);
    }

    #[test]
    fn a_law_agrees_with_the_reference_values() {
        for (code, sample) in [
            (0xd5, 8),
            (0x55, -8),
            (0xaa, 32_256),
            (0x2a, -32_256),
            (0x80, 5_504),
            (0x00, -5_504),
            (0xd4, 24),
            (0xc5, 264),
            (0x45, -264),
        ] {
            assert_eq!(Companding::A.decode(code), sample, "{code:#04x}");
        }
        assert_eq!(Companding::A.encode(0), 0xd5);
        assert_eq!(Companding::A.encode(-1), 0x55);
        assert_eq!(Companding::A.encode(i16::MAX), 0xaa);
        assert_eq!(Companding::A.encode(i16::MIN), 0x2a);
    }

    #[test]
    fn each_code_survives_decoding_and_encoding() {
        for code in 0..=u8::MAX {
            assert_eq!(Companding::A.encode(Companding::A.decode(code)), code);
            let again = Companding::Mu.encode(Companding::Mu.decode(code));
            // µ-law has two zeros.
            assert!(again == code || (code == 0x7f && again == 0xff), "{code:#04x}");
        }
    }

    #[test]
    fn quantising_errs_by_less_than_half_a_step_and_never_swaps_two_samples() {
        for law in [Companding::Mu, Companding::A] {
            let mut before = i16::MIN;
            // Past the last decision value the codecs clip.
            for sample in -32_635..=32_635 {
                let heard = law.decode(law.encode(sample));
                assert!(heard >= before, "{law:?} {sample}");
                before = heard;
                // 16 steps to an octave, but for the linear steps near zero.
                let half_step = (i32::from(sample).abs() + 132) / 32 + 4;
                assert!((i32::from(heard) - i32::from(sample)).abs() <= half_step, "{sample}");
            }
        }
    }

    #[test]
    fn a_tone_crosses_the_codec_within_a_tenth_of_a_decibel() {
        for law in [Companding::Mu, Companding::A] {
            let (mut encoder, mut decoder) = (G711Encoder::new(law), G711Decoder::new(law));
            let mut heard = Vec::new();
            for frame in sine(1_000.0, -10.0, 48_000, 48_000).as_chunks::<960>().0 {
                let (mut payload, mut samples) = ([0; 160], [0; 960]);
                assert_eq!(encoder.encode(frame, &mut payload), Ok(160));
                assert_eq!(decoder.decode(&payload, &mut samples), Ok(960));
                heard.extend_from_slice(&samples);
            }
            let level = level_of(&heard[9_600..], 48_000, 1_000.0);
            assert!((level + 10.0).abs() < 0.1, "{law:?}: {level}");
        }
    }

    #[test]
    fn odd_sizes_are_errors_not_panics() {
        let mut decoder = G711Decoder::new(Companding::Mu);
        let mut samples = [0; 5760];
        assert_eq!(decoder.decode(&[], &mut samples), Err(CodecError::Malformed));
        assert_eq!(decoder.decode(&[0; 961], &mut samples), Err(CodecError::Malformed));
        assert_eq!(decoder.decode(&[0; 160], &mut [0; 10]), Err(CodecError::BufferTooSmall));
        let mut encoder = G711Encoder::new(Companding::A);
        assert_eq!(encoder.encode(&[0; 960], &mut [0; 159]), Err(CodecError::BufferTooSmall));
    }
}
