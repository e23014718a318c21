//! One call on the media thread: its packets, coders and counters.
//!
//! RFC 3550 §5.1 (one sequence for as long as the stream lives), §6.4.1 and A.8 (jitter).

use super::mix::Mix;
use super::{Keys, Measured, Told};
use crate::peer::{Received, RtpPacket, RtpReceiver, RtpSender};
use sidetone_media::downlink::{self, RtpHeader};
use sidetone_media::level::{FLOOR_DBFS, Level};
use sidetone_media::playout::Heard;
use sidetone_media::uplink::{Gate, RtpOut};
use sidetone_media::{Codec, Downlink, Frame, SAMPLE_RATE, Uplink};
use sidetone_phone::CallId;
use std::time::Duration;

/// How long a key is held; common phones send 100 ms.
const KEY: Duration = Duration::from_millis(100);
/// Silence, as reports have it.
const SILENCE: f32 = -127.0;

/// What turns one call's packets into sound and back.
pub(crate) struct Coders {
    pub(crate) uplink: Uplink,
    pub(crate) downlink: Downlink,
}

/// One call.
pub(crate) struct CallMedia {
    pub(crate) id: CallId,
    coders: Box<Coders>,
    receiver: RtpReceiver,
    sender: RtpSender,
    downlink_open: bool,
    /// What was asked of the microphone.
    gate: Gate,
    /// It is joined with others: it hears them beside the microphone.
    joined: bool,
    /// The last 10 ms of the other side.
    heard: Frame,
    /// Some end was open once: from then on the call wants frames.
    begun: bool,
    /// The microphone was open once.
    uplink_begun: bool,
    first_sent_due: bool,
    first_heard_due: bool,
    digits_due: bool,
    sequence: u16,
    packets_sent: u64,
    /// The audio packets that a former downlink of this call had counted.
    packets_before: u64,
    jitter: Jitter,
    frames: u32,
    /// The loudest of this second, sent and heard.
    loudest: [f32; 2],
}

impl CallMedia {
    /// A call with both ends closed. `sequence` is where its packets begin, random.
    pub(crate) fn new(
        id: CallId,
        coders: Box<Coders>,
        receiver: RtpReceiver,
        sender: RtpSender,
        sequence: u16,
    ) -> Self {
        let jitter = Jitter::new(coders.downlink.codec());
        Self {
            id,
            coders,
            receiver,
            sender,
            downlink_open: false,
            gate: Gate::Closed,
            joined: false,
            heard: [0; 480],
            begun: false,
            uplink_begun: false,
            first_sent_due: false,
            first_heard_due: true,
            digits_due: false,
            sequence,
            packets_sent: 0,
            packets_before: 0,
            jitter,
            frames: 0,
            loudest: [SILENCE; 2],
        }
    }

    /// Whether it wants frames.
    pub(super) fn is_begun(&self) -> bool {
        self.begun
    }

    /// Opens, mutes or closes the microphone; `true` when it is opened for the first time.
    pub(super) fn set_uplink(&mut self, gate: Gate) -> bool {
        let was_closed = self.gate == Gate::Closed;
        self.gate = gate;
        self.set_encoder();
        if gate == Gate::Closed {
            self.digits_due = false;
            return false;
        }
        self.begun = true;
        self.first_sent_due |= was_closed;
        !std::mem::replace(&mut self.uplink_begun, true)
    }

    /// Joins the call with others, or takes it out.
    pub(super) fn set_joined(&mut self, on: bool) {
        self.joined = on;
        self.set_encoder();
    }

    pub(super) fn is_joined(&self) -> bool {
        self.joined
    }

    /// Mute closes the microphone, and those who are joined hear each other on.
    fn set_encoder(&mut self) {
        let hears_others = self.joined && self.gate == Gate::Muted;
        let gate = if hears_others { Gate::Open } else { self.gate };
        if self.coders.uplink.gate() == gate {
            return;
        }
        if let Err(error) = self.coders.uplink.set_gate(gate) {
            log::error!("the encoder of call {} refuses: {error}", self.id);
        }
    }

    pub(super) fn set_downlink(&mut self, open: bool) {
        if open && !self.downlink_open {
            // A held server sends nothing, but Asterisk numbers on.
            self.coders.downlink.begin_anew();
        }
        self.downlink_open = open;
        self.begun |= open;
    }

    pub(super) fn press(&mut self, keys: &Keys) {
        for key in keys.iter() {
            match self.coders.uplink.press(key, KEY) {
                Ok(()) => self.digits_due = true,
                Err(error) => log::warn!("a digit of call {} is not sent: {error}", self.id),
            }
        }
    }

    /// Takes other coders and gives the old ones back.
    pub(super) fn recode(&mut self, coders: Box<Coders>) -> Box<Coders> {
        self.packets_before += self.coders.downlink.stats().packets_received;
        self.jitter = Jitter::new(coders.downlink.codec());
        let former = std::mem::replace(&mut self.coders, coders);
        self.set_encoder();
        former
    }

    /// Takes what has come in. What comes while the downlink is closed is not played later.
    pub(super) fn receive(&mut self) {
        while let Some(Received { at, ssrc, packet }) = self.receiver.try_recv() {
            if !self.downlink_open {
                continue;
            }
            let header = RtpHeader {
                payload_type: packet.payload_type,
                marker: packet.marker,
                sequence: packet.sequence,
                timestamp: packet.timestamp,
                ssrc,
            };
            let was = self.coders.downlink.receive(header, packet.payload(), at);
            if was == downlink::Received::Audio {
                self.jitter.arrived(packet.timestamp, at);
            }
        }
    }

    /// Decodes the next 10 ms of the other side; `true` at its very first sound.
    pub(super) fn hear(&mut self, now: Duration) -> bool {
        if !self.downlink_open {
            self.heard.fill(0);
            return false;
        }
        let heard = self.coders.downlink.pull(&mut self.heard, now);
        heard == Heard::Decoded && std::mem::take(&mut self.first_heard_due)
    }

    /// What [`CallMedia::hear`] decoded last.
    pub(super) fn heard(&self) -> &Frame {
        &self.heard
    }

    /// Sends 10 ms: the microphone, and where the call is joined what the others of `joined` say.
    /// Tells what came of it.
    pub(super) fn send(&mut self, microphone: &Frame, joined: &Mix, mut tell: impl FnMut(Told)) {
        let mixed = self.joined.then(|| {
            let mut mixed = joined.without(&self.heard);
            if self.gate == Gate::Open {
                mixed.add(microphone);
            }
            mixed.frame()
        });
        let frame = mixed.as_ref().unwrap_or(microphone);
        if !self.sender.is_ready() {
            return;
        }
        if let Some(out) = self.coders.uplink.push(frame) {
            let packet = numbered(&out, self.sequence);
            self.sequence = self.sequence.wrapping_add(1);
            if packet.is_some_and(|packet| self.sender.send(packet)) {
                self.packets_sent += 1;
                if std::mem::take(&mut self.first_sent_due) {
                    tell(Told::FirstSent);
                }
            }
        }
        if self.digits_due && !self.coders.uplink.is_pressing() {
            self.digits_due = false;
            tell(Told::DtmfSent);
        }
    }

    /// The figures, once a second. A level is the loudest of the second: a moment's would be that of
    /// a pause as often as not.
    pub(super) fn measure(&mut self) -> Option<Measured> {
        let Coders { uplink, downlink } = &*self.coders;
        let sent = if self.gate == Gate::Open { dbfs(uplink.level()) } else { SILENCE };
        let heard = if self.downlink_open { dbfs(downlink.level()) } else { SILENCE };
        self.loudest = [self.loudest[0].max(sent), self.loudest[1].max(heard)];
        self.frames += 1;
        if self.frames < 100 {
            return None;
        }
        self.frames = 0;
        let [sent, heard] = std::mem::replace(&mut self.loudest, [SILENCE; 2]);
        let stats = downlink.stats();
        Some(Measured {
            codec: uplink.codec(),
            packets_sent: self.packets_sent,
            packets_received: self.packets_before + stats.packets_received,
            packets_lost: stats.packets_lost,
            packets_late: stats.packets_late,
            concealed: Duration::from_secs(stats.concealed_samples) / SAMPLE_RATE,
            jitter: self.jitter.now(),
            playout_delay: stats.delay,
            level_sent: sent,
            level_heard: heard,
        })
    }
}

/// Other coders must not begin the numbers of the stream anew: the other side would take that for
/// packets from the past.
fn numbered(out: &RtpOut<'_>, sequence: u16) -> Option<RtpPacket> {
    RtpPacket::new(out.payload_type, out.marker, sequence, out.timestamp, out.payload)
}

fn dbfs(level: Level) -> f32 {
    if level.rms_dbfs <= FLOOR_DBFS { SILENCE } else { level.rms_dbfs }
}

/// Interarrival jitter.
struct Jitter {
    clock_rate: f64,
    last: Option<(u32, Duration)>,
    /// Seconds.
    estimate: f64,
}

impl Jitter {
    fn new(codec: Codec) -> Self {
        Self { clock_rate: f64::from(codec.clock_rate()), last: None, estimate: 0.0 }
    }

    fn arrived(&mut self, timestamp: u32, at: Duration) {
        if let Some((last_timestamp, last_at)) = self.last {
            #[allow(clippy::cast_possible_wrap, reason = "timestamps wrap around")]
            let sent = f64::from(timestamp.wrapping_sub(last_timestamp) as i32) / self.clock_rate;
            let difference = (at.as_secs_f64() - last_at.as_secs_f64() - sent).abs();
            // A jump of more is a new talk spurt or another stream.
            if difference < 1.0 {
                self.estimate += (difference - self.estimate) / 16.0;
            }
        }
        self.last = Some((timestamp, at));
    }

    fn now(&self) -> Duration {
        Duration::from_secs_f64(self.estimate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_is_the_smoothed_difference_of_spacings() {
        let mut jitter = Jitter::new(Codec::Opus);
        for n in 0..500_u32 {
            let late = Duration::from_millis(u64::from(n % 2) * 10);
            jitter.arrived(n * 960, Duration::from_millis(u64::from(n) * 20) + late);
        }
        assert!(jitter.now().abs_diff(Duration::from_millis(10)) < Duration::from_millis(1));
    }
}
