//! The real program against real servers: a phone is a child process that speaks JSON lines, a
//! server is the bench's Asterisk or the model PBX, and what was heard is judged by its spectrum.
//!
//! | module | owns |
//! |---|---|
//! | [`bench`] | the bench: where it is, its links and its server's console |
//! | [`phone`] | one `sidetone` process: commands in, events out, a microphone and an ear |
//! | [`tones`] | tones drawn anew in each run, written and recognised |

pub mod bench;
pub mod phone;
pub mod tones;
