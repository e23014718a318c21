//! What a leg hears of several others at once: each is decoded and put in time, and they are added up.

use super::stream::{Kind, Parcel};
use sidetone_media::Codec;
use sidetone_media::playout::{Playout, PlayoutConfig, RtpPacket};
use sidetone_pbx::LegId;
use std::time::Duration;

/// The others, each with what has come of it.
pub(super) struct Mix {
    sources: Vec<(LegId, Option<Playout>)>,
}

impl Mix {
    /// Of these legs.
    pub(super) fn new(legs: Vec<LegId>) -> Self {
        Self { sources: legs.into_iter().map(|leg| (leg, None)).collect() }
    }

    /// A packet of one of them. Digits are for whom they were pressed for, and not mixed.
    pub(super) fn take(&mut self, from: LegId, parcel: &Parcel, now: Duration) {
        let Parcel { kind, packet } = parcel;
        let Kind::Audio(codec) = *kind else { return };
        let Some((_, buffer)) = self.sources.iter_mut().find(|(leg, _)| *leg == from) else {
            return;
        };
        if buffer.as_ref().is_none_or(|buffer| buffer.codec() != codec) {
            *buffer = begin(codec);
        }
        let packet = RtpPacket {
            // One stream a leg: a new description goes on in it.
            ssrc: 0,
            sequence: packet.sequence,
            timestamp: packet.timestamp,
            marker: packet.marker,
            payload: packet.payload(),
        };
        if let Some(buffer) = buffer {
            buffer.push(packet, now);
        }
    }

    /// The next 20 ms.
    pub(super) fn frame(&mut self, now: Duration) -> [i16; 960] {
        let mut frame = [0_i16; 960];
        let mut part = [0; 480];
        for buffer in self.sources.iter_mut().filter_map(|(_, buffer)| buffer.as_mut()) {
            for half in frame.chunks_exact_mut(part.len()) {
                buffer.pull(&mut part, now);
                half.iter_mut().zip(part).for_each(|(sum, one)| *sum = sum.saturating_add(one));
            }
        }
        frame
    }
}

/// A buffer, unless the codec cannot be had here: then its leg is not heard.
fn begin(codec: Codec) -> Option<Playout> {
    Playout::new(codec, PlayoutConfig::default())
        .inspect_err(|error| log::warn!("nothing of {codec:?} can be mixed: {error}"))
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use sidetone_driver::peer::{MAX_PAYLOAD, RtpPacket as Packet};
    use sidetone_media::codec::Encoder;
    use sidetone_media::opus::OpusSettings;
    use sidetone_media::spectrum::{level_of, sine};

    const RATE: u32 = sidetone_media::SAMPLE_RATE;

    #[test]
    fn each_is_heard_whatever_its_codec_and_who_does_not_belong_is_not() {
        let legs = [LegId(1), LegId(2), LegId(3)];
        let codecs = [Codec::Opus, Codec::Pcma, Codec::Opus];
        let tones = [400.0, 1_000.0, 2_000.0];
        let mut encoders =
            codecs.map(|codec| Encoder::new(codec, OpusSettings::default()).unwrap());
        let voices = tones.map(|hertz| sine(hertz, -20.0, RATE, RATE as usize));
        let mut mix = Mix::new(legs[..2].to_vec());
        let mut heard = Vec::new();
        for number in 0..50_u16 {
            let now = Duration::from_millis(20) * u32::from(number);
            for index in 0..3 {
                let codec = codecs[index];
                let mut payload = [0; MAX_PAYLOAD];
                let from = usize::from(number) * 960;
                let samples = voices[index][from..from + 960].try_into().unwrap();
                let length = encoders[index].encode(samples, &mut payload).unwrap();
                let timestamp = u32::from(number) * codec.clock_rate() / 50;
                let packet = Packet::new(0, false, number, timestamp, &payload[..length]).unwrap();
                mix.take(legs[index], &Parcel { kind: Kind::Audio(codec), packet }, now);
            }
            heard.extend(mix.frame(now));
        }
        let heard = &heard[RATE as usize / 2..];
        let level = |hertz| level_of(heard, RATE, hertz);
        assert!(
            level(400.0) > -23.0 && level(1_000.0) > -23.0,
            "{} {}",
            level(400.0),
            level(1_000.0)
        );
        assert!(level(2_000.0) < -50.0, "{}", level(2_000.0));
    }
}
