//! Proves that the 10 ms path allocates nothing, in Rust or in libopus.
//!
//! The media thread runs beside a device callback: one allocation can wait for a lock that another
//! thread holds. Rust's allocator is replaced by a counting one, and so are the C functions that
//! libopus calls; both count for the thread under test only, and a control shows that both see.
#![cfg(all(target_os = "linux", target_env = "gnu"))]
#![allow(unsafe_code, reason = "allocators can be replaced only by unsafe code")]
#![allow(clippy::unwrap_used, reason = "clippy sees no test in the helpers of an integration test")]

use std::time::Duration;

use sidetone_media::downlink::{Downlink, DownlinkConfig, RtpHeader};
use sidetone_media::dtmf::Digit;
use sidetone_media::opus::{AudioBand, OpusDecoder, OpusSettings};
use sidetone_media::playout::{Heard, PlayoutConfig, PlayoutStats};
use sidetone_media::spectrum::sine;
use sidetone_media::uplink::{Gate, Uplink, UplinkConfig};
use sidetone_media::{Codec, Frame};

mod counted {
    //! Both allocators, counting.

    use std::alloc::{GlobalAlloc, Layout, System};
    use std::cell::Cell;
    use std::ffi::c_void;

    thread_local! {
        static RUST: Cell<usize> = const { Cell::new(0) };
        static C: Cell<usize> = const { Cell::new(0) };
    }

    fn count(counter: &'static std::thread::LocalKey<Cell<usize>>) {
        counter.set(counter.get() + 1);
    }

    /// Calls to Rust's allocator and to C's while `work` ran on this thread.
    pub(crate) fn during(work: impl FnOnce()) -> (usize, usize) {
        let before = (RUST.get(), C.get());
        work();
        (RUST.get() - before.0, C.get() - before.1)
    }

    struct Counting;

    #[global_allocator]
    static COUNTING: Counting = Counting;

    // SAFETY: every call is handed on unchanged to the system's allocator.
    unsafe impl GlobalAlloc for Counting {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            count(&RUST);
            unsafe { System.alloc(layout) }
        }

        unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
            count(&RUST);
            unsafe { System.dealloc(pointer, layout) }
        }

        unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
            count(&RUST);
            unsafe { System.realloc(pointer, layout, size) }
        }
    }

    unsafe extern "C" {
        fn __libc_malloc(size: usize) -> *mut c_void;
        fn __libc_calloc(count: usize, size: usize) -> *mut c_void;
        fn __libc_realloc(pointer: *mut c_void, size: usize) -> *mut c_void;
        fn __libc_free(pointer: *mut c_void);
    }

    // SAFETY, for the four below: glibc lets a program define these names, and gives its own
    // versions under the names that they are handed on to unchanged.
    #[unsafe(no_mangle)]
    unsafe extern "C" fn malloc(size: usize) -> *mut c_void {
        count(&C);
        unsafe { __libc_malloc(size) }
    }

    #[unsafe(no_mangle)]
    unsafe extern "C" fn calloc(items: usize, size: usize) -> *mut c_void {
        count(&C);
        unsafe { __libc_calloc(items, size) }
    }

    #[unsafe(no_mangle)]
    unsafe extern "C" fn realloc(pointer: *mut c_void, size: usize) -> *mut c_void {
        count(&C);
        unsafe { __libc_realloc(pointer, size) }
    }

    #[unsafe(no_mangle)]
    unsafe extern "C" fn free(pointer: *mut c_void) {
        count(&C);
        unsafe { __libc_free(pointer) }
    }
}

/// A packet under way, in place.
#[derive(Clone, Copy)]
struct Flying {
    header: RtpHeader,
    length: usize,
    payload: [u8; 1_275],
    arrival: Duration,
}

/// One call looped back to itself over a bad link, all of it made beforehand.
struct Call {
    uplink: Uplink,
    downlink: Downlink,
    link: [Option<Flying>; 64],
    dice: u64,
    loss: f64,
    jitter: Duration,
    now: Duration,
    heard: [usize; 3],
}

impl Call {
    fn new(codec: Codec) -> Self {
        let uplink = UplinkConfig {
            codec,
            payload_type: 96,
            dtmf: Some((101, 8_000)),
            ssrc: 1,
            sequence: 65_000,
            timestamp: u32::MAX - 100_000,
            opus: OpusSettings::default(),
        };
        let downlink = DownlinkConfig {
            codec,
            payload_type: 96,
            dtmf: Some(101),
            playout: PlayoutConfig::default(),
        };
        Self {
            uplink: Uplink::new(uplink).unwrap(),
            downlink: Downlink::new(downlink).unwrap(),
            link: [None; 64],
            dice: 11,
            loss: 0.0,
            jitter: Duration::ZERO,
            now: Duration::ZERO,
            heard: [0; 3],
        }
    }

    fn roll(&mut self) -> f64 {
        self.dice ^= self.dice << 13;
        self.dice ^= self.dice >> 7;
        self.dice ^= self.dice << 17;
        (self.dice >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn run(&mut self, sound: &[i16]) {
        for frame in sound.as_chunks::<480>().0 {
            self.step(frame);
        }
    }

    fn step(&mut self, frame: &Frame) {
        let (lost, wait) = (self.roll() < self.loss, self.jitter.mul_f64(self.roll()));
        if let Some(out) = self.uplink.push(frame)
            && !lost
        {
            let mut flying = Flying {
                header: out.header(),
                length: out.payload.len(),
                payload: [0; 1_275],
                arrival: self.now + wait,
            };
            flying.payload[..flying.length].copy_from_slice(out.payload);
            *self.link.iter_mut().find(|slot| slot.is_none()).unwrap() = Some(flying);
        }
        for slot in &mut self.link {
            if let Some(flying) = slot.take_if(|flying| flying.arrival <= self.now) {
                let payload = &flying.payload[..flying.length];
                self.downlink.receive(flying.header, payload, flying.arrival);
            }
        }
        let mut played = [0; 480];
        let heard = self.downlink.pull(&mut played, self.now);
        self.heard[match heard {
            Heard::Nothing => 0,
            Heard::Concealed => 1,
            Heard::Decoded => 2,
        }] += 1;
        self.downlink.stats();
        self.downlink.level();
        self.uplink.level();
        self.now += Duration::from_millis(10);
    }

    /// All that happens in a life of a call.
    fn live(&mut self, speech: &[i16], silence: &[i16]) {
        self.run(silence);
        self.uplink.set_gate(Gate::Open).unwrap();
        self.run(speech);
        for (loss, jitter) in [(0.1, 0), (0.0, 60), (0.2, 120), (0.6, 0), (0.0, 0)] {
            self.loss = loss;
            self.jitter = Duration::from_millis(jitter);
            self.run(speech);
        }
        for (bits_per_second, complexity, max_band, dtx) in [
            (12_000, 0, AudioBand::Narrow, false),
            (64_000, 10, AudioBand::Full, false),
            (20_000, 5, AudioBand::Wide, true),
        ] {
            let settings = OpusSettings {
                bits_per_second,
                complexity,
                max_band,
                dtx,
                expected_loss: 20,
                in_band_fec: true,
            };
            self.uplink.configure(settings).unwrap();
            self.loss = 0.1;
            self.run(speech);
            self.run(silence);
        }
        self.loss = 0.0;
        self.uplink.press(Digit::ZERO, Duration::from_millis(100)).unwrap();
        self.run(speech);
        for gate in [Gate::Muted, Gate::Closed, Gate::Open] {
            self.uplink.set_gate(gate).unwrap();
            self.run(speech);
            self.run(silence);
        }
        self.malformed();
        self.run(speech);
    }

    /// Bytes that are no packet, a far sequence number twice, and another source.
    fn malformed(&mut self) {
        let header =
            RtpHeader { payload_type: 96, marker: false, sequence: 30_000, timestamp: 5, ssrc: 1 };
        for (header, payload) in [
            (header, &[][..]),
            (header, &[0x03, 0x3f][..]),
            (header, &[0x0b; 40][..]),
            (RtpHeader { sequence: 30_001, ..header }, &[0x08; 80][..]),
            (RtpHeader { ssrc: 2, ..header }, &[0x08; 80][..]),
            (RtpHeader { payload_type: 13, ..header }, &[60][..]),
        ] {
            self.downlink.receive(header, payload, self.now);
            self.step(&[0; 480]);
        }
    }
}

fn speech() -> Vec<i16> {
    let mut sound = sine(150.0, -14.0, 48_000, 96_000);
    for (slot, harmonic) in sound.iter_mut().zip(sine(1_050.0, -20.0, 48_000, 96_000)) {
        *slot += harmonic;
    }
    for (n, sample) in sound.iter_mut().enumerate() {
        let swell = (n as f64 / 12_000.0 * std::f64::consts::PI).sin().abs();
        *sample = (f64::from(*sample) * swell) as i16;
    }
    sound
}

fn prove(codec: Codec) -> PlayoutStats {
    let (speech, silence) = (speech(), vec![0; 48_000]);
    let mut call = Box::new(Call::new(codec));
    let allocations = counted::during(|| call.live(&speech, &silence));
    assert_eq!(allocations, (0, 0), "{codec:?}: Rust's and C's allocator were called");
    let stats = call.downlink.stats();
    assert!(call.heard.iter().all(|pulls| *pulls > 100), "{:?}", call.heard);
    assert!(stats.packets_lost > 50 && stats.packets_late > 0, "{stats:?}");
    assert!(stats.packets_reordered > 0 && stats.packets_discarded > 0, "{stats:?}");
    assert!(stats.concealed_samples > 48_000, "{stats:?}");
    assert!(stats.inserted_samples > 0 && stats.removed_samples > 0, "{stats:?}");
    stats
}

#[test]
fn a_call_with_opus_allocates_nothing() {
    let stats = prove(Codec::Opus);
    assert!(stats.fec_recovered > 10, "{stats:?}");
}

#[test]
fn a_call_with_g711_allocates_nothing() {
    prove(Codec::Pcmu);
    prove(Codec::Pcma);
}

#[test]
fn an_allocation_in_rust_would_be_seen() {
    let (rust, c) = counted::during(|| drop(std::hint::black_box(Box::new(1))));
    assert_eq!((rust, c), (2, 2));
}

#[test]
fn an_allocation_in_libopus_would_be_seen() {
    let (rust, c) = counted::during(|| drop(OpusDecoder::new().unwrap()));
    assert_eq!((rust, c), (0, 2));
}
