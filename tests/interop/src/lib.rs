//! The real program against real servers: a phone is a child process that speaks JSON lines, a
//! server is the bench's Asterisk or the model PBX, and what was heard is judged by its spectrum.
//!
//! | module | owns |
//! |---|---|
//! | [`mod@bench`] | the bench: where it is, its links and its server's console |
//! | [`chance`] | what is drawn, by a seed that is printed |
//! | [`customer`] | the customer on an ordinary telephone line |
//! | [`ladder`] | the SIP ladder of a phone, masked, and compared between two servers |
//! | [`lines`] | which users and numbers a journey may use while others run |
//! | [`phone`] | one `sidetone` process: commands in, events out, a microphone and an ear |
//! | [`push`] | the push gateway's place: what the server posts, held against its schema |
//! | [`roam`] | a phone whose network changes, or is in trouble |
//! | [`stage`] | a server and a line on it: where a journey that suits every server is played |
//! | [`tones`] | tones drawn anew in each run, written and recognised |
//! | [`view`] | what the server has: its channels and contacts |
//! | [`wire`] | what the server has written to one connection, byte by byte |

pub mod bench;
pub mod chance;
pub mod customer;
pub mod ladder;
pub mod lines;
pub mod phone;
pub mod push;
pub mod roam;
pub mod stage;
pub mod tones;
pub mod view;
pub mod wire;
