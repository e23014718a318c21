//! `sidetone demo`: a whole call with nothing but this program, and a report of it.
//!
//! | module | owns |
//! |---|---|
//! | `server` | the model PBX behind TLS WebSockets and real media |
//! | `hand` | what is done at it by hand |
//! | `phone` | how its phones are set up |
//! | `speech` | what they say |
//! | `story` | the two phones, and what each does when |
//! | `ladder`, `record` | what is kept of it |
//! | `hearing` | whether one heard what the other said |
//! | `screen`, `report` | what is shown of it |
//! | `team` | the same with agents, a customer and their supervisor |

mod hand;
mod hearing;
mod ladder;
mod phone;
mod record;
mod report;
mod screen;
mod server;
mod speech;
mod story;
mod team;

use crate::args::DemoArgs;
use crate::config::SetupError;
use crate::console::{Input, Printer, asked_to_leave, put};
use crate::json::JsonEvent;
use crate::{Failure, Outcome};
use phone::Place;
use screen::Screen;
use server::Server;
use sidetone_driver::{Trust, clock};
use sidetone_phone::ServerAddress;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;
use story::Plan;

/// The domain of the bench's Asterisk.
const BENCH_DOMAIN: &str = "bench.test";

/// Runs the subcommand.
pub(crate) async fn run(args: DemoArgs) -> Outcome {
    if args.serve {
        return serve(&args).await;
    }
    if args.team {
        return team::run(&args).await;
    }
    is_writable(&args.report)?;
    let screen = Screen::new(args.output.json);
    let talk = Duration::from_secs(args.talk);
    let (voice, sip) = (args.customer.clone(), args.output.sip);
    let record = if args.asterisk {
        let (server, trust) = asterisk(&args)?;
        let (domain, title) = (BENCH_DOMAIN.to_owned(), "a real Asterisk".to_owned());
        let place = Place { server, trust, domain };
        let plan = Plan { place, title, talk, voice, sip };
        story::play(&plan, screen).await?
    } else {
        let server = Server::start(args.port).await?;
        let place = Place {
            server: server.url().parse().map_err(SetupError::from)?,
            trust: Trust::Pem(std::fs::read(server.ca())?),
            domain: server.domain().to_owned(),
        };
        let plan =
            Plan { place, title: "the model PBX on this machine".to_owned(), talk, voice, sip };
        story::play(&plan, screen).await?
    };
    let verdict = record.verdict();
    std::fs::write(&args.report, report::render(&record, &verdict)).map_err(|error| {
        std::io::Error::other(format!("{} cannot be written: {error}", args.report.display()))
    })?;
    let took = clock::now().wall.0.saturating_sub(record.began.0);
    screen.verdict(&record, &verdict, &args.report, took);
    if verdict.is_good() { Ok(()) } else { Err(Failure::Told) }
}

/// Fails before the call where the report could not be written after it.
fn is_writable(report: &Path) -> Result<(), SetupError> {
    let is_new = !report.exists();
    std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(report)
        .and_then(|_| if is_new { std::fs::remove_file(report) } else { Ok(()) })
        .map_err(|source| SetupError::Unwritable {
            what: "the report",
            path: report.to_owned(),
            source,
        })
}

/// The bench's server and its authority, by flags or by the bench's own variables.
fn asterisk(args: &DemoArgs) -> Result<(ServerAddress, Trust), Failure> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let advice =
        || std::io::Error::other("run scripts/demo --asterisk, which starts the bench first");
    let server = args.server.clone().or_else(|| variable("SIDETONE_BENCH_URL"));
    let ca = args.ca.clone().or_else(|| variable("SIDETONE_BENCH_CA").map(Into::into));
    let (server, ca) = (server.ok_or_else(advice)?, ca.ok_or_else(advice)?);
    let pem = std::fs::read(&ca).map_err(|source| SetupError::Unreadable {
        what: "the CA file",
        path: ca,
        source,
    })?;
    Ok((server.parse().map_err(SetupError::from)?, Trust::Pem(pem)))
}

/// Only the server, until interrupted.
async fn serve(args: &DemoArgs) -> Outcome {
    let server = Server::start(args.port).await?;
    let accounts = server.users().map(|user| format!("sip:{user}@{}", server.domain()));
    let ready = JsonEvent::Ready {
        server: server.url(),
        ca: server.ca().display().to_string(),
        accounts: accounts.collect(),
        password: "secret-<user>".to_owned(),
    };
    let printer = Printer::new(args.output);
    if args.output.json {
        printer.tell(ready, 0.0);
    } else {
        put(&how_to_reach(&server));
    }
    let mut input = Input::new(args.output.json);
    let mut leaving = std::pin::pin!(asked_to_leave());
    let signal = loop {
        tokio::select! {
            signal = &mut leaving => break signal,
            line = input.next() => printer.tell(hand::obey(&server, &line).await, 0.0),
        }
    };
    // After a hangup nobody reads it.
    let _ = writeln!(std::io::stderr(), "sidetone: ended by {signal}");
    Ok(())
}

/// What a person needs to try a phone.
fn how_to_reach(server: &Server) -> String {
    let (url, ca, domain) = (server.url(), server.ca().display().to_string(), server.domain());
    let program = std::env::current_exe()
        .map_or_else(|_| "sidetone".to_owned(), |path| path.display().to_string());
    let users: Vec<&str> = server.users().collect();
    format!(
        "The model PBX is ready at {url}\n\
         \n  accounts   {}\n  domain     {domain}\n  passwords  secret-<user>\n  \
         trust      {ca}\n\n\
         1800 is the queue of agent1 and agent2, 1001 to 1004 are the agents, 600 is an echo,\n\
         601 a tone. In another terminal:\n\n  \
         SIDETONE_PASSWORD=secret-agent1 {program} agent \\\n    \
         --server {url} --ca {ca} \\\n    --account sip:agent1@{domain}\n\n\
         On a machine without a sound device add: --mic null --speaker null\n\
         Ctrl-C ends it.",
        users.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_that_cannot_be_written_is_found_before_the_call() {
        let folder = tempfile::tempdir().unwrap();
        let report = folder.path().join("report.html");
        assert!(is_writable(&report).is_ok() && !report.exists());
        std::fs::write(&report, "old").unwrap();
        assert!(is_writable(&report).is_ok());
        assert_eq!(std::fs::read(&report).unwrap(), b"old");
        assert!(is_writable(&folder.path().join("none/report.html")).is_err());
    }
}
