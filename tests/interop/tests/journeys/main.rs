//! Journeys against real servers. `scripts/bench up`, `eval "$(scripts/bench env)"`, and
//! `SIDETONE_BINARY` must name the program. `SIDETONE_SERVERS=asterisk` leaves the model PBX out.
//! Four at a time suit two cores: a journey mostly waits.
//!
//! | module | plays |
//! |---|---|
//! | `conformance` | tests/scenarios, on the model PBX and on Asterisk; ladders compared |
//! | `push` | agents whose phones sleep, and the pack's half of it |
//! | `push_beyond` | several who sleep, one who sends his caller on, a server that crashes |
//! | `registration` | what goes wrong while signing in |
//! | `recovery` | a server that restarts, a link that dies in silence |
//! | `session_timer` | calls that are refreshed from each side |
//! | `suspended` | a process that stands still while it is called |
//! | `telephone` | the G.711 customer, digits |
//! | `cold` | the libraries for phones as programs, on strict platforms |
//! | `kotlin`, `robolectric`, `swift` | which of them |
//! | `calls` | several calls of one agent: swapped, joined, transferred |
//! | `call_waiting` | a second call while the agent talks, and who hears its tone |
//! | `early` | a phone that is connected while it rings, and what its caller hears |
//! | `handover` | the network changes, at every point of a call |
//! | `history` | calls that are over, after a kill, and one of them called again |
//! | `hostile` | callers whose names are to be carried out, and what is written down |
//! | `message` | agents who write to each other |
//! | `intercom` | a call beside one that was answered without the agent |
//! | `agent` | wrap-up, do not disturb, two phones of an agent |
//! | `recording` | recordings, by hand and by rule, and what is heard in each file |
//! | `team` | colleagues and queues, seen by who watches them |
//! | `install` | the packs, put into a configuration and taken out again |
//! | `mask` | callers who are hidden, called back by a reference |
//! | `supervise` | a supervisor who listens, whispers and barges in, and who may not |
//! | `features` | the server's self-test, and a doctor who tells what is missing |
//! | `outside` | numbers outside: who may neither call nor send anybody there |
//! | `packs` | packs that are missing, or speak another version |
//! | `control` | codes of the dial plan: how long they take, and who notices |
//! | `program` | doctor, exit statuses, commands that are refused |

#![allow(clippy::print_stdout, reason = "what was measured or left out is worth reading")]

mod agent;
mod call_waiting;
mod calls;
mod cold;
mod conformance;
mod control;
mod early;
mod features;
mod handover;
mod history;
mod hostile;
mod install;
mod intercom;
mod kotlin;
mod mask;
mod message;
mod outside;
mod packs;
mod program;
mod push;
mod push_beyond;
mod recording;
mod recovery;
mod registration;
mod robolectric;
#[path = "../../../scenarios/mod.rs"]
mod scenarios;
mod session_timer;
mod supervise;
mod suspended;
mod swift;
mod team;
mod telephone;
