//! Orders of the agent plane: of what an agent asks and is told ([`Agent`]), of recordings of his call ([`Recorded`]), and of
//! a supervision ([`Supervisor`]).

mod agent;
mod desk;
mod numbers;
mod recorded;
mod supervisor;

pub use agent::{Agent, Op as AgentOp};
pub use recorded::{Op as RecordedOp, Recorded};
pub use supervisor::{Op as SupervisorOp, Supervisor};
