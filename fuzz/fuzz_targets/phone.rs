//! Any bytes as what happens to a phone, one thing after another.
#![no_main]

#[path = "../phone/mod.rs"]
mod phone;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| phone::play(bytes));
