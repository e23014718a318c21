//! The network of a phone changes, at every point of a call, with both networks there for a while and without:
//! both hear each other again, and the far end's hang-up still ends the call.

use crate::scenarios::{Talk, rings};
use serde_json::json;
use sidetone_interop::bench::Bench;
use sidetone_interop::lines::Line;
use sidetone_interop::phone::{PATIENCE, Phone};
use sidetone_interop::roam::Roam;
use sidetone_interop::stage::{Server, Stage};
use sidetone_interop::tones::{Tone, Voice};
use std::time::Duration;

/// How one network follows the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    /// Both are there for a while.
    Overlap,
    /// The old one is gone, the new one is there at once, and the phone is told.
    Break,
    /// The same, and nobody tells.
    Silent,
}

/// A stage with an agent whose network changes.
struct Scene {
    stage: Stage,
    roam: Roam,
    how: How,
}

impl Scene {
    fn new(how: How) -> Self {
        let stage = Stage::on(Server::Asterisk(Bench::get()), Line::any());
        let roam = Roam::new(stage.line.number());
        Self { stage, roam, how }
    }

    fn agent(&self, voice: &Voice) -> Phone {
        let Server::Asterisk(bench) = &self.stage.server else { panic!("a real server") };
        let mut agent =
            Phone::start("agent", &self.roam.setup(bench, &self.stage.line.agent()), voice);
        agent.wait_lamp("registered", PATIENCE);
        agent
    }

    /// The customer called the queue, the agent answered, both hear each other.
    fn talk(&self) -> Talk {
        let [a, b, c, d] = Tone::draw();
        let (agent_says, customer_says) = ([a, b], [c, d]);
        let mut agent = self.agent(&Voice::swapping(agent_says));
        let mut customer = self.stage.customer(&Voice::swapping(customer_says));
        let customer_call = customer.dial(&self.stage.line.queue());
        let agent_call = rings(&mut agent);
        agent.ask("answer", &agent_call, json!({}));
        agent.wait_call("established", &agent_call);
        customer.wait_call("established", &customer_call);
        let mut talk =
            Talk { agent, agent_call, agent_says, customer, customer_call, customer_says };
        talk.both_hear();
        talk
    }

    /// The network changes.
    fn change(&mut self, agent: &mut Phone) {
        match self.how {
            How::Overlap => self.roam.come(),
            How::Break | How::Silent => {
                self.roam.lose();
                self.roam.come();
            }
        }
        if self.how != How::Silent {
            let overlap = self.how == How::Overlap;
            agent.send(json!({ "command": "network_changed", "make_before_break": overlap }));
        }
    }

    /// The audio is back, and the customer's hang-up ends the call. Gives the gap in ms.
    fn proof(&self, mut talk: Talk) -> f64 {
        let back = talk.agent.wait("the audio again", Duration::from_secs(30), |event| {
            event["event"] == "reconnected" && event["call"] == talk.agent_call.as_str()
        });
        if self.how == How::Overlap {
            std::thread::sleep(Duration::from_secs(1));
            self.roam.lose_other();
        }
        talk.both_hear();
        talk.customer.ask("hangup", &talk.customer_call, json!({}));
        talk.customer.wait_ended(&talk.customer_call, "local");
        talk.agent.wait_ended(&talk.agent_call, "remote");
        self.stage.leave(talk.agent);
        self.stage.leave(talk.customer);
        back["gap_ms"].as_f64().unwrap_or_default()
    }
}

#[test]
fn a_call_goes_on_over_another_network() {
    for how in [How::Break, How::Overlap, How::Silent] {
        let mut scene = Scene::new(how);
        let mut talk = scene.talk();
        scene.change(&mut talk.agent);
        let gap = scene.proof(talk);
        println!("{how:?}: {gap} ms");
    }
}
