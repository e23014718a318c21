//! The binary `sidetone`.
fn main() {}
