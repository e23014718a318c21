//! G.711 u-law, both ways, for the programs of the bench. ITU-T G.711.
//!
//! Own code on purpose: a codec that judges the phone must not be the phone's.

/// Samples per second of G.711.
pub const RATE: u32 = 8000;

const BIAS: i32 = 0x84;
const CLIP: i32 = 32635;

/// One 16-bit sample as u-law.
pub fn encode(sample: i16) -> u8 {
    let sign = if sample < 0 { 0x80 } else { 0 };
    let magnitude = i32::from(sample).abs().min(CLIP) + BIAS;
    let exponent = magnitude.ilog2() - 7;
    let mantissa = (magnitude >> (exponent + 3)) & 0x0f;
    !(sign | ((exponent as u8) << 4) | mantissa as u8)
}

/// One u-law byte as a 16-bit sample.
pub fn decode(byte: u8) -> i16 {
    let byte = !byte;
    let (exponent, mantissa) = ((byte >> 4) & 7, i32::from(byte & 0x0f));
    let magnitude = (((mantissa << 3) + BIAS) << exponent) - BIAS;
    (if byte & 0x80 == 0 { magnitude } else { -magnitude }) as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_but_negative_zero_survives_decoding_and_encoding() {
        for byte in (0..=255u8).filter(|b| *b != 0x7f) {
            assert_eq!(encode(decode(byte)), byte);
        }
    }

    #[test]
    fn the_error_of_a_loud_sample_is_below_the_step_of_its_segment() {
        for sample in (-32000..32000i16).step_by(7) {
            let error = (i32::from(decode(encode(sample))) - i32::from(sample)).abs();
            assert!(error <= i32::from(sample.unsigned_abs()) / 32 + 8, "{sample}: off by {error}");
        }
    }
}
