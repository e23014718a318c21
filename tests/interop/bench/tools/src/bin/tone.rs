//! Writes raw u-law audio of pure tones: the voice of a customer, and the music on hold.
//!
//! Usage: `tone FILE HZ:SECONDS[:DBFS]...` (parts follow each other; 0 Hz is silence).

use sidetone_bench_tools::{RATE, encode};
use std::{env, error::Error, f64::consts::TAU, fs};

const DEFAULT_DBFS: f64 = -12.0;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = env::args().skip(1);
    let file = args.next().ok_or("usage: tone FILE HZ:SECONDS[:DBFS]...")?;
    let mut audio = Vec::new();
    for part in args {
        audio.extend(tone(&part).ok_or_else(|| format!("not HZ:SECONDS[:DBFS]: {part}"))?);
    }
    if audio.is_empty() {
        return Err("nothing to write: name at least one tone".into());
    }
    Ok(fs::write(file, audio)?)
}

fn tone(part: &str) -> Option<Vec<u8>> {
    let numbers: Vec<f64> = part.split(':').map(str::parse).collect::<Result<_, _>>().ok()?;
    let (hz, seconds, dbfs) = match numbers[..] {
        [hz, seconds] => (hz, seconds, DEFAULT_DBFS),
        [hz, seconds, dbfs] => (hz, seconds, dbfs),
        _ => return None,
    };
    let amplitude = 32767.0 * 10f64.powf(dbfs.min(0.0) / 20.0);
    let sample = |n: u64| amplitude * (TAU * hz * n as f64 / f64::from(RATE)).sin();
    Some((0..(seconds * f64::from(RATE)) as u64).map(|n| encode(sample(n) as i16)).collect())
}
