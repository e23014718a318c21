//! Any bytes as the payload of a push.
#![no_main]

// Each target uses one of them.
#[allow(dead_code)]
#[path = "../invariants.rs"]
mod invariants;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| invariants::push(bytes));
