//! `sidetone demo`: a whole call with nothing but this program, and a report of it.
//!
//! | module | owns |
//! |---|---|
//! | `server` | the model PBX behind TLS WebSockets and real media |

mod server;

use crate::Outcome;
use crate::args::DemoArgs;
use crate::console::{Printer, asked_to_leave};
use crate::json::JsonEvent;
use server::Server;

/// Runs the subcommand.
pub(crate) async fn run(args: DemoArgs) -> Outcome {
    serve(&args).await
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
    if args.output.json {
        Printer::new(args.output).tell(ready, 0.0);
    } else {
        println!("{}", how_to_reach(&server));
    }
    asked_to_leave().await;
    Ok(())
}

/// What a person needs to try a phone.
fn how_to_reach(server: &Server) -> String {
    let (url, ca, domain) = (server.url(), server.ca().display().to_string(), server.domain());
    let users: Vec<&str> = server.users().collect();
    format!(
        "The model PBX is ready at {url}\n\
         \n  accounts   {}\n  domain     {domain}\n  passwords  secret-<user>\n  \
         trust      {ca}\n\n\
         1801 is the queue of agent1 and agent2, 1001 to 1004 are the agents, 600 is an echo,\n\
         601 a tone. In another terminal:\n\n  \
         SIDETONE_PASSWORD=secret-agent1 sidetone agent --server {url} \\\n    \
         --ca {ca} --account sip:agent1@{domain}\n\n\
         Ctrl-C ends it.",
        users.join(", ")
    )
}
