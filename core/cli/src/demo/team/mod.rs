//! `sidetone demo --team`: two agents, a customer and their supervisor on the model PBX, in one picture.
//!
//! | module | owns |
//! |---|---|
//! | `story` | the four phones, and what each does when |
//! | `record` | who said and heard what, and whether that is as it should be |
//! | `picture` | what is shown of it |

mod picture;
mod record;
mod story;

use super::phone::Place;
use super::server::Server;
use crate::args::DemoArgs;
use crate::config::SetupError;
use crate::{Failure, Outcome};
use picture::Picture;
use sidetone_driver::Trust;
use sidetone_pbx::{PbxConfig, Person};
use sidetone_phone::SupervisionMode;
use std::time::Duration;

/// Who takes part, in the order of everything that has one of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    /// Takes the call.
    Agent,
    /// Is paused meanwhile.
    Other,
    /// Calls.
    Customer,
    /// Watches both agents, and supervises.
    Supervisor,
}

impl Who {
    const ALL: [Self; 4] = [Self::Agent, Self::Other, Self::Customer, Self::Supervisor];

    /// The user, on the server.
    fn user(self) -> &'static str {
        match self {
            Self::Agent => "agent1",
            Self::Other => "agent2",
            Self::Customer => "customer1",
            Self::Supervisor => "colleague1",
        }
    }

    /// What people call him or her.
    fn name(self) -> &'static str {
        match self {
            Self::Agent => "Anna",
            Self::Other => "Ben",
            Self::Customer => "the customer",
            Self::Supervisor => "Clara",
        }
    }

    /// The whole name, and what they are here.
    fn title(self) -> &'static str {
        match self {
            Self::Agent => "Anna Berg, agent",
            Self::Other => "Ben Cole, agent",
            Self::Customer => "Customer One",
            Self::Supervisor => "Clara Dunn, supervisor",
        }
    }
}

/// What the agents log in to, and its number.
const QUEUE: &str = "desk1";
const NUMBER: &str = "1821";
/// Why Ben is away.
const REASON: &str = "lunch";
/// How long Anna wraps up after a call.
const WRAP_UP: Duration = Duration::from_secs(1);
/// In this order.
const MODES: [SupervisionMode; 3] =
    [SupervisionMode::Listen, SupervisionMode::Whisper, SupervisionMode::Barge];

/// Runs it.
pub(super) async fn run(args: &DemoArgs) -> Outcome {
    let server = Server::start_with(args.port, site()).await?;
    let place = Place {
        server: server.url().parse().map_err(SetupError::from)?,
        trust: Trust::Pem(std::fs::read(server.ca())?),
        domain: server.domain().to_owned(),
    };
    let mut picture = Picture::new(args.output.json)?;
    let played = story::play(&place, &mut picture, args.output.sip).await;
    picture.finish();
    let record = played?;
    let verdict = record.verdict();
    picture.verdict(&record, &verdict);
    if verdict.is_good() { Ok(()) } else { Err(Failure::Told) }
}

/// The bench's model, with one team in it.
fn site() -> PbxConfig {
    let mut site = PbxConfig::bench();
    let agents = [Who::Agent, Who::Other];
    site.agents =
        agents.map(|who| (who.user().to_owned(), vec![QUEUE.to_owned()])).into_iter().collect();
    site.wrap_up = Some(WRAP_UP);
    let supervised = agents.map(|who| who.user().to_owned()).to_vec();
    site.supervisors = [(Who::Supervisor.user().to_owned(), supervised)].into();
    let person = |who: Who, number: &str| Person {
        name: who.user().to_owned(),
        number: number.to_owned(),
        label: who.title().split(',').next().unwrap_or_default().to_owned(),
        team: "service".to_owned(),
        queue: QUEUE.to_owned(),
    };
    site.people = vec![
        person(Who::Agent, "1001"),
        person(Who::Other, "1002"),
        person(Who::Supervisor, "2001"),
    ];
    site
}
