//! A server and a line on it: where a journey that suits every server is played.

use crate::bench::Bench;
use crate::ladder::Ladder;
use crate::lines::Line;
use crate::phone::{PATIENCE, Phone, Setup};
use crate::tones::Voice;
use std::cell::RefCell;
use std::path::PathBuf;
use std::time::Duration;

/// The server of a journey.
#[derive(Debug)]
pub enum Server {
    /// The bench's Asterisk.
    Asterisk(Bench),
    /// The model PBX behind `sidetone demo --serve`, started for one journey.
    Model(Box<Model>),
}

/// A running model PBX.
#[derive(Debug)]
pub struct Model {
    _process: Phone,
    url: String,
    ca: PathBuf,
    password: String,
}

impl Model {
    fn start() -> Self {
        let mut process = Phone::serve();
        let ready = process.wait("the model PBX", PATIENCE, |event| event["event"] == "ready");
        let text = |name: &str| ready[name].as_str().unwrap_or_default().to_owned();
        Self {
            url: text("server"),
            ca: text("ca").into(),
            password: text("password"),
            _process: process,
        }
    }
}

impl Server {
    /// Its name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Asterisk(_) => "asterisk",
            Self::Model(_) => "model",
        }
    }

    /// How a phone of this user reaches it.
    pub fn setup(&self, user: &str) -> Setup {
        match self {
            Self::Asterisk(bench) => bench.setup(user),
            Self::Model(model) => Setup {
                namespace: None,
                server: model.url.clone(),
                ca: Some(model.ca.clone()),
                account: format!("sip:{user}@bench.test"),
                password: model.password.replace("<user>", user),
            },
        }
    }
}

/// A server, a line on it, and the ladders of the phones that were there.
#[derive(Debug)]
pub struct Stage {
    /// The server.
    pub server: Server,
    /// The line.
    pub line: Line,
    ladders: RefCell<Vec<Ladder>>,
}

impl Stage {
    /// On the bench's Asterisk, beside others.
    pub fn asterisk() -> Self {
        Self::on(Server::Asterisk(Bench::get()), Line::any())
    }

    /// On a model PBX of its own.
    pub fn model() -> Self {
        Self::on(Server::Model(Box::new(Model::start())), Line::own(1))
    }

    /// On this line of this server.
    pub fn on(server: Server, line: Line) -> Self {
        Self { server, line, ladders: RefCell::default() }
    }

    /// The agent's phone, signed in.
    pub fn agent(&self, voice: &Voice) -> Phone {
        self.sign_in("agent", &self.line.agent(), voice)
    }

    /// The agent's phone with more arguments, signed in.
    pub fn agent_with(&self, voice: &Voice, more: &[&str]) -> Phone {
        let arguments = ["agent", "--sip"].iter().chain(more).copied().collect::<Vec<_>>();
        self.sign_in_with("agent", &self.line.agent(), voice, &arguments)
    }

    /// The customer's phone, signed in.
    pub fn customer(&self, voice: &Voice) -> Phone {
        self.sign_in("customer", &self.line.customer(), voice)
    }

    /// The phone of somebody who may not call outside, with more arguments, signed in.
    pub fn clerk_with(&self, voice: &Voice, more: &[&str]) -> Phone {
        let arguments = ["agent", "--sip"].iter().chain(more).copied().collect::<Vec<_>>();
        self.sign_in_with("clerk", &self.line.clerk(), voice, &arguments)
    }

    /// The colleague's phone, signed in.
    pub fn colleague(&self, voice: &Voice) -> Phone {
        self.sign_in("colleague", &self.line.colleague(), voice)
    }

    /// The colleague at a supervisor's desk, signed in.
    pub fn supervisor(&self, voice: &Voice) -> Phone {
        let arguments = ["supervisor", "--sip"];
        self.sign_in_with("supervisor", &self.line.colleague(), voice, &arguments)
    }

    fn sign_in(&self, name: &str, user: &str, voice: &Voice) -> Phone {
        self.sign_in_with(name, user, voice, &["agent", "--sip"])
    }

    fn sign_in_with(&self, name: &str, user: &str, voice: &Voice, arguments: &[&str]) -> Phone {
        let name = format!("{name} at {}", self.server.name()).replace(' ', "-");
        let setup = self.server.setup(user);
        let mut phone = Phone::start_with(&name, &setup, voice, arguments);
        phone.wait_lamp("registered", PATIENCE);
        phone
    }

    /// A phone leaves: it signs out, ends well, and its ladder is kept.
    #[track_caller]
    pub fn leave(&self, mut phone: Phone) {
        // What the last transaction still has to come, an ACK say, comes on its own.
        phone.listen(Duration::from_millis(200));
        let status = phone.leave();
        assert_eq!(status, 0, "{} ends well", phone.name());
        self.ladders.borrow_mut().push(Ladder::of(&phone));
    }

    /// The ladders of the phones that left, in their order.
    pub fn into_ladders(self) -> Vec<Ladder> {
        self.ladders.take()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if let (Server::Asterisk(bench), true) = (&self.server, std::thread::panicking()) {
            bench.sweep(&self.line);
        }
    }
}
