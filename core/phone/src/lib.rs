//! What the phone decides, without I/O: registration and calls.
//!
//! A driver owns one [`Phone`] and runs one loop around it:
//!
//! ```text
//! loop {
//!     while let Some(output) = phone.poll_output() { carry it out }
//!     wait for the first of: something to handle, a command, phone.poll_timeout()
//!     phone.handle(input, now) | phone.command(command, now) | phone.handle_timeout(now)
//! }
//! ```
//!
//! The one invariant: after every call the driver drains [`Phone::poll_output`] to `None` before the
//! next. The same entropy and the same inputs give the same bytes.
//!
//! | module | owns |
//! |---|---|
//! | [`api`] | the vocabulary: commands, inputs, outputs, events, snapshots, what is saved |
//! | `phone` | the aggregate that routes each input to its owner |
//! | `routing` | what the SIP transactions tell, to its owner |
//! | `account` | registration, servers and flows, the lamp |
//! | `auto_answer` | which calls are answered without the agent, and when |
//! | `call` | one call: its state machine, incoming, outgoing, hold, DTMF, supervision |
//! | `call_waiting` | the tone of a call that waits while the agent talks |
//! | `control` | control calls: codes of the server's dial plan, and what came of them |
//! | `doubt` | what a process that was suspended may not take for fresh |
//! | `focus` | the calls among themselves: who talks, who is joined, who is brought together |
//! | `history` | the calls that are over: filtered, in pages |
//! | `ledger` | what is kept of calls and messages: bounded, stored in segments |
//! | `mailbox` | the summary of the account's voice mailbox |
//! | `messages` | messages between agents: sent, received and kept |
//! | `news` | what the server's packs tell, read within limits |
//! | `referral` | a REFER that is followed, and who is told how it goes |
//! | `replaces` | an INVITE that takes the place of a call |
//! | `search` | what is typed to find somebody, of the history or the team |
//! | `saving` | what must survive the process |
//! | `subscription` | one subscription to an event package |
//! | `push` | calls announced before their INVITE: payloads, what was decided, late INVITEs |
//! | `agent` | the agent at his queues, his team, the recordings of his calls; what the server has and he may |
//! | `text` | texts of others, kept short |
//! | `ua` | what account and calls share: identity, randomness, transactions, outputs |
//! | `uas` | requests that belong to no call, and what is wrong with them |

mod account;
mod agent;
pub mod api;
mod auto_answer;
mod call;
mod call_waiting;
mod control;
mod doubt;
mod focus;
mod history;
mod ledger;
mod mailbox;
mod messages;
mod news;
mod phone;
mod push;
mod referral;
mod replaces;
mod routing;
mod saving;
mod search;
mod subscription;
#[cfg(test)]
mod tests;
mod text;
mod ua;
mod uas;

pub use api::*;
pub use history::History;
pub use ledger::{Change, Cursor, Entry, Ledger, Record, Segment};
pub use messages::MessageLog;
pub use phone::Phone;
pub use push::announce;
