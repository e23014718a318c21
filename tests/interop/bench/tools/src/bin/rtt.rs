//! Measures the round trip of a link by TCP handshakes. RFC 9293 §3.5.
//!
//! Usage: `rtt ADDRESS:PORT [COUNT]`. A closed port answers as well as an open one. `ping` will not do here: the kernel stamps a reply before the
//! impairment holds it back.

use std::{
    env,
    error::Error,
    io::ErrorKind,
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = env::args().skip(1);
    let address: SocketAddr = args.next().ok_or("usage: rtt ADDRESS:PORT [COUNT]")?.parse()?;
    let count: usize = args.next().map_or(Ok(20), |n| n.parse())?;
    let mut times = Vec::new();
    for _ in 0..count.max(1) {
        let before = Instant::now();
        match TcpStream::connect_timeout(&address, Duration::from_secs(5)) {
            Err(e) if e.kind() != ErrorKind::ConnectionRefused => return Err(e.into()),
            Ok(_) | Err(_) => {}
        }
        times.push(before.elapsed().as_secs_f64() * 1000.0);
    }
    times.sort_by(f64::total_cmp);
    let (least, middle, most) = (times[0], times[times.len() / 2], times[times.len() - 1]);
    println!("min {least:.2} ms, median {middle:.2} ms, max {most:.2} ms");
    Ok(())
}
