//! Sends recorded speech through a recorded link, for measuring the playout buffer.
//!
//! `trace SPEECH TRACE OUT`: SPEECH and OUT are raw 48 kHz mono 16-bit; each line of TRACE is one
//! 20 ms packet, `lost delay`, where `lost` is 0 or 1 and `delay` is in milliseconds. Packets keep
//! their order, as on one path. Prints what the buffer counted and what it cost.
#![allow(clippy::print_stdout, reason = "printing is what it is for")]
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "cost is real time")]

use std::error::Error;
use std::fs;
use std::time::{Duration, Instant};

use sidetone_media::codec::{Codec, Encoder};
use sidetone_media::opus::OpusSettings;
use sidetone_media::playout::{Heard, Playout, PlayoutConfig, RtpPacket};

const PACKET_TIME: Duration = Duration::from_millis(20);
const PULL_TIME: Duration = Duration::from_millis(10);

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(speech), Some(trace), Some(out)) =
        (arguments.next(), arguments.next(), arguments.next())
    else {
        return Err("usage: trace SPEECH TRACE OUT".into());
    };
    let speech: Vec<i16> =
        fs::read(speech)?.as_chunks().0.iter().map(|bytes| i16::from_le_bytes(*bytes)).collect();
    let trace = fs::read_to_string(trace)?;

    let settings =
        OpusSettings { bits_per_second: 32_000, expected_loss: 10, ..Default::default() };
    let mut encoder = Encoder::new(Codec::Opus, settings)?;
    let started = Instant::now();
    let mut link = vec![];
    let mut last = Duration::ZERO;
    let fates = trace.lines().filter(|line| !line.starts_with('#'));
    for (n, (frame, fate)) in speech.as_chunks().0.iter().zip(fates).enumerate() {
        let mut payload = vec![0; 1_275];
        let length = encoder.encode(frame, &mut payload)?;
        payload.truncate(length);
        let (lost, delay) = fate.split_once(' ').ok_or("a line is `lost delay`")?;
        if lost == "0" {
            let delay = Duration::from_secs_f64(delay.trim().parse::<f64>()? / 1_000.0);
            // A packet leaves when its sound is complete.
            last = last.max(PACKET_TIME * (n as u32 + 1) + delay);
            link.push((last, n as u32, payload));
        }
    }
    let encoding = started.elapsed();

    let mut playout = Playout::new(Codec::Opus, PlayoutConfig::default())?;
    let mut heard = vec![];
    let mut delays = vec![];
    let mut concealed = 0;
    let mut slowest = Duration::ZERO;
    let mut playing = Duration::ZERO;
    let pulls = speech.len() / 480;
    let mut link = link.into_iter().peekable();
    for pull in 0..pulls as u32 {
        let now = PULL_TIME * pull;
        let started = Instant::now();
        while let Some((arrival, n, payload)) = link.next_if(|(arrival, ..)| *arrival <= now) {
            let (sequence, timestamp) = (n as u16, n * 960);
            let packet =
                RtpPacket { ssrc: 1, sequence, timestamp, marker: n == 0, payload: &payload };
            playout.push(packet, arrival);
        }
        let mut frame = [0; 480];
        concealed += u32::from(playout.pull(&mut frame, now) == Heard::Concealed);
        slowest = slowest.max(started.elapsed());
        playing += started.elapsed();
        delays.push(playout.stats().delay);
        heard.extend(frame.iter().flat_map(|sample| sample.to_le_bytes()));
    }
    fs::write(out, heard)?;

    delays.sort();
    let at = |share: f64| delays[((delays.len() - 1) as f64 * share) as usize];
    println!("{:?}", playout.stats());
    println!("concealed pulls {:.2} %", f64::from(concealed) * 100.0 / pulls as f64);
    println!("playout delay p50 {:?} p90 {:?} p99 {:?}", at(0.5), at(0.9), at(0.99));
    println!(
        "per 20 ms: encode {:?}, receive and play {:?} (slowest pull {slowest:?})",
        encoding / (pulls as u32 / 2).max(1),
        playing / (pulls as u32 / 2).max(1),
    );
    Ok(())
}
