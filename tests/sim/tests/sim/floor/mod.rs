//! Days of a contact centre: fifty agents, three queues, two supervisors and their customers, while links fail, phones die
//! or sleep and the server restarts. What each phone shows is held against the server ([`look`]).

mod look;
mod plan;

use look::Seat;
use rand_chacha::ChaCha12Rng;
use rand_core::{Rng, SeedableRng};
use sidetone_pbx::{MediaDirection, Operator};
use sidetone_phone::{
    AgentFailure, AgentRequest, CallId, CallSnapshot, CallState, Command, CommandError, Event,
    Handover, RecordingAction, RegistrationState, SupervisionMode,
};
use sidetone_sim::{PhoneId, Pushes, Spoil, World};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
/// As many days are tried in the daily run.
const SEEDS: u64 = 20;
/// As many things are done in a day, in six minutes.
const ACTIONS: u32 = 900;
const MODES: [SupervisionMode; 3] =
    [SupervisionMode::Listen, SupervisionMode::Whisper, SupervisionMode::Barge];

/// What came to pass.
#[derive(Debug, Default)]
struct Counts {
    ended: usize,
    requests: usize,
    refused: usize,
    unconfirmed: usize,
    wrapped_up: usize,
    recorded: usize,
    supervised: usize,
    modes: usize,
    restarts: usize,
    deaths: usize,
    /// What was held against the server: agents, teams, recordings, and the calls of an agent.
    checks: [u64; 5],
    steps: (u64, u64),
    /// Of all phones together.
    hours: f64,
}

/// A day.
struct Floor {
    world: World,
    /// Those who are agents or watch them, and their phones; some have two.
    seats: Vec<Seat>,
    customers: Vec<PhoneId>,
    random: ChaCha12Rng,
    truth: look::Truth,
    stalled: Vec<PhoneId>,
    ids: u128,
    counts: Counts,
}

impl Floor {
    fn open(seed: u64) -> Self {
        let mut random = ChaCha12Rng::seed_from_u64(seed);
        let config = plan::config(|n| random.next_u64() % n);
        let mut world = World::new(config, seed);
        world.set_pushes(Pushes { delay: SECOND / 2, lost: 10, twice: 10, late: 10 });
        let mut floor = Self {
            world,
            seats: Vec::new(),
            customers: Vec::new(),
            random,
            truth: look::Truth::default(),
            stalled: Vec::new(),
            ids: 0,
            counts: Counts::default(),
        };
        for agent in 0..plan::AGENTS {
            floor.sit(&plan::name(agent), true, agent % 5 == 1);
            if plan::has_two(agent) {
                floor.sit(&plan::name(agent), true, false);
            }
        }
        for lead in plan::LEADS {
            floor.sit(lead, false, false);
        }
        for n in 0..plan::CUSTOMERS {
            let phone = floor.world.add_phone(&format!("customer{n}"));
            floor.customers.push(phone);
            let _ = floor.world.command(phone, Command::Register);
        }
        floor.world.run_for(SECOND * 2);
        // Most come to work.
        for agent in 0..plan::AGENTS {
            floor.wait(50);
            if floor.draw(5) > 0 {
                let (queue, reason) = (None, None);
                floor.ask_of(plan::seat_of(agent), AgentRequest::LogIn { queue, reason });
            }
        }
        floor
    }

    fn sit(&mut self, user: &str, is_agent: bool, is_mobile: bool) {
        let set_up = |config: &mut sidetone_phone::Config| {
            (config.queues, config.recordings) = (is_agent, is_agent);
        };
        let phone = match is_mobile {
            true => self.world.add_mobile_phone_with(user, set_up),
            false => self.world.add_phone_with(user, set_up),
        };
        let _ = self.world.command(phone, Command::Register);
        let delay = Duration::from_millis(5 + self.random.next_u64() % 150);
        self.world.set_delay(phone, delay);
        self.seats.push(Seat::new(phone, user, is_agent, self.world.time()));
    }

    fn draw(&mut self, n: usize) -> usize {
        (self.random.next_u64() % n as u64) as usize
    }

    /// For less than so many milliseconds.
    fn wait(&mut self, most: usize) {
        let time = Duration::from_millis(self.draw(most) as u64);
        self.world.run_for(time);
        self.look();
    }

    fn agent(&mut self) -> usize {
        self.draw(self.seats.len() - plan::LEADS.len())
    }

    fn lead(&mut self) -> PhoneId {
        let at = self.seats.len() - 1 - self.draw(plan::LEADS.len());
        self.seats[at].phone
    }

    fn ask_of(&mut self, seat: usize, request: AgentRequest) {
        let phone = self.seats[seat].phone;
        let done = self.world.command(phone, Command::Agent { request });
        if done.is_ok() && self.world.is_awake(phone) {
            self.counts.requests += 1;
            self.seats[seat].asks();
        }
    }

    /// A phone that has a call of which this is so, from a drawn one on.
    fn find(&mut self, is_so: impl Fn(&CallSnapshot) -> bool) -> Option<(PhoneId, CallSnapshot)> {
        let phones: Vec<PhoneId> = self
            .seats
            .iter()
            .map(|seat| seat.phone)
            .chain(self.customers.iter().copied())
            .collect();
        let first = self.draw(phones.len());
        let order = phones.iter().cycle().skip(first).take(phones.len());
        order
            .filter(|phone| self.world.is_awake(**phone))
            .find_map(|phone| Some((*phone, self.world.calls(*phone).into_iter().find(&is_so)?)))
    }

    /// Something that somebody or something does.
    fn act(&mut self) {
        let what = self.draw(100);
        // A refused command is an answer like any other.
        let _ = match what {
            0..=34 => self.call(what),
            35..=64 => self.work(what),
            65..=84 => self.lead_and_record(what),
            _ => self.trouble(what),
        };
    }

    fn call(&mut self, what: usize) -> Result<(), CommandError> {
        let is_up = |call: &CallSnapshot| call.state == CallState::Established;
        match what {
            0..=9 => {
                let (customer, queue) = (self.draw(plan::CUSTOMERS), self.draw(3));
                self.world.dial(self.customers[customer], &format!("180{queue}")).map(drop)
            }
            10..=23 => match self.find(|call| call.state == CallState::Ringing) {
                Some((phone, CallSnapshot { id: call, .. })) => {
                    self.world.command(phone, Command::Answer { call })
                }
                None => Ok(()),
            },
            24..=28 => match self.find(is_up) {
                Some((phone, CallSnapshot { id: call, .. })) => {
                    self.world.command(phone, Command::HangUp { call })
                }
                None => Ok(()),
            },
            29..=31 => match self.find(is_up) {
                Some((phone, CallSnapshot { id: call, hold, .. })) => {
                    self.world.command(phone, Command::Hold { call, on: !hold.local })
                }
                None => Ok(()),
            },
            32 => {
                let (seat, to) = (self.agent(), self.draw(plan::AGENTS));
                self.world.dial(self.seats[seat].phone, &format!("10{to:02}")).map(drop)
            }
            33 => match self.find(is_up) {
                Some((phone, _)) => self.world.command(phone, Command::Swap),
                None => Ok(()),
            },
            _ => match self.find(is_up) {
                Some((phone, CallSnapshot { id: call, .. })) => {
                    let to = format!("10{:02}", self.draw(plan::AGENTS));
                    self.world.command(phone, Command::Transfer { call, to })
                }
                None => Ok(()),
            },
        }
    }

    fn work(&mut self, what: usize) -> Result<(), CommandError> {
        let seat = self.agent();
        let queue = plan::QUEUES.get(self.draw(8)).map(|name| (*name).to_owned());
        let reason = ["break", "lunch", "training"][self.draw(3)].to_owned();
        let request = match what {
            35..=43 => {
                let reason = Some(reason).filter(|_| what < 37);
                AgentRequest::LogIn { queue, reason }
            }
            44..=46 => AgentRequest::LogOut { queue },
            47..=54 => AgentRequest::Pause { reason },
            _ => AgentRequest::Unpause,
        };
        self.ask_of(seat, request);
        Ok(())
    }

    fn lead_and_record(&mut self, what: usize) -> Result<(), CommandError> {
        let mode = MODES[self.draw(3)];
        match what {
            65..=71 => {
                let is_up = |call: &CallSnapshot| call.state == CallState::Established;
                let Some((phone, CallSnapshot { id: call, .. })) = self.find(is_up) else {
                    return Ok(());
                };
                let recording = ["1", "1", "2", "auto"][self.draw(4)].parse()?;
                let actions = [
                    RecordingAction::Start,
                    RecordingAction::Start,
                    RecordingAction::Pause,
                    RecordingAction::Resume,
                    RecordingAction::Stop,
                ];
                let action = actions[self.draw(5)];
                self.world.command(phone, Command::Record { call, recording, action })
            }
            72..=73 => {
                let (lead, on) = (self.lead(), self.draw(4) > 0);
                self.world.command(lead, Command::Watch { on })
            }
            74..=76 => {
                let is_up = |call: &CallSnapshot| call.state == CallState::Established;
                let Some((of, _)) = self.find(is_up) else { return Ok(()) };
                let Some(seat) = self.seats.iter().find(|seat| seat.phone == of) else {
                    return Ok(());
                };
                let target = seat.user.clone();
                self.ids += 1;
                let (call, follow) = (CallId(uuid::Uuid::from_u128(self.ids)), false);
                let lead = self.lead();
                self.world.command(lead, Command::Supervise { call, target, mode, follow })
            }
            _ => {
                let lead = self.lead();
                let calls = self.world.calls(lead);
                let Some(call) = calls.first().map(|call| call.id) else { return Ok(()) };
                match what {
                    77..=81 => self.world.command(lead, Command::SetSupervisionMode { call, mode }),
                    82 => self.world.command(lead, Command::HangUp { call }),
                    83 => {
                        let on = !calls[0].hold.local;
                        self.world.command(lead, Command::Hold { call, on })
                    }
                    _ => self.world.dial(lead, "600").map(drop),
                }
            }
        }
    }

    fn trouble(&mut self, what: usize) -> Result<(), CommandError> {
        let seat = self.draw(self.seats.len());
        let phone = self.seats[seat].phone;
        match what {
            85..=86 => self.world.reset(phone),
            87..=88 => {
                self.stalled.push(phone);
                self.world.spoil(phone, Spoil::Stalled);
            }
            89..=91 => {
                let healed = self.stalled.pop().unwrap_or(phone);
                self.world.spoil(healed, Spoil::Clean);
            }
            92 => self.world.spoil(phone, Spoil::BlackHole),
            93 => {
                let handovers = [Handover::MakeBeforeBreak, Handover::BreakBeforeMake];
                let handover = handovers[self.draw(2)];
                if handover == Handover::BreakBeforeMake {
                    self.world.spoil(phone, Spoil::BlackHole);
                }
                self.world.change_network(phone, handover);
            }
            94..=95 => {
                let time = Duration::from_millis(self.draw(40_000) as u64);
                self.world.suspend(phone, time);
            }
            96 => {
                self.counts.deaths += 1;
                self.world.kill(phone);
                self.wait(2000);
                self.world.switch_on(phone);
                return self.world.command(phone, Command::Register);
            }
            97 => return self.world.command(phone, Command::Sleep),
            98 if self.draw(4) == 0 => {
                self.counts.restarts += 1;
                self.world.operate(Operator::Restart);
                if self.draw(2) == 0 {
                    self.world.operate(Operator::Forget);
                }
            }
            98 => self.world.operate(Operator::ExpireNonces),
            _ => {
                let legs = self.world.pbx().legs();
                if let Some(leg) = legs.get(self.draw(legs.len().max(1))) {
                    let (leg, direction) = (leg.id, MediaDirection::SendRecv);
                    let operator = match self.draw(2) {
                        0 => Operator::HangUp(leg),
                        _ => Operator::Reinvite { leg, direction },
                    };
                    self.world.operate(operator);
                }
            }
        }
        Ok(())
    }

    /// In peace all is certain and true, and nothing is left when all have hung up.
    fn close(mut self) -> Counts {
        let phones: Vec<PhoneId> = self
            .seats
            .iter()
            .map(|seat| seat.phone)
            .chain(self.customers.iter().copied())
            .collect();
        for phone in &phones {
            self.world.spoil(*phone, Spoil::Clean);
            self.world.switch_on(*phone);
            let _ = self.world.command(*phone, Command::Register);
        }
        for _ in 0..100 {
            self.world.run_for(SECOND);
            self.look();
        }
        for phone in &phones {
            let _ = self.world.command(*phone, Command::Register);
            for call in self.world.calls(*phone) {
                let _ = self.world.command(*phone, Command::HangUp { call: call.id });
            }
        }
        for _ in 0..200 {
            self.world.run_for(SECOND);
            self.look();
        }
        // Who watches asks again and again.
        for seat in self.seats.iter().filter(|seat| plan::LEADS.contains(&seat.user.as_str())) {
            let _ = self.world.command(seat.phone, Command::Watch { on: false });
        }
        self.world.run_for(SECOND * 5);
        self.world.assert_quiet();
        for seat in &self.seats {
            let snapshot = self.world.snapshot(seat.phone);
            let lamp = snapshot.as_ref().map(|snapshot| snapshot.registration.state);
            assert_eq!(lamp, Some(RegistrationState::Registered), "{}", seat.user);
            let agent = snapshot.and_then(|snapshot| snapshot.agent);
            let settled =
                |agent: &sidetone_phone::AgentSnapshot| agent.certain && agent.requested.is_none();
            assert!(agent.as_ref().is_none_or(settled), "{}: {agent:?}", seat.user);
        }
        self.count(&phones);
        self.counts
    }

    fn count(&mut self, phones: &[PhoneId]) {
        let counts = &mut self.counts;
        for phone in phones {
            for event in self.world.events(*phone) {
                let is_ended = matches!(event, Event::Ended { .. });
                counts.ended += usize::from(is_ended);
                counts.recorded += usize::from(matches!(event, Event::RecordingsChanged { .. }));
                if let Event::AgentFailed { reason, .. } = event {
                    let is_unconfirmed = *reason == AgentFailure::Unconfirmed;
                    counts.unconfirmed += usize::from(is_unconfirmed);
                    counts.refused += usize::from(!is_unconfirmed);
                }
                if let Event::AgentChanged { agent } = event {
                    let wraps_up = agent.pause.as_ref().is_some_and(|pause| pause.until.is_some());
                    counts.wrapped_up += usize::from(wraps_up);
                }
                if let Event::SupervisionChanged { supervision, .. } = event {
                    counts.supervised += usize::from(supervision.mode.is_some());
                    counts.modes += usize::from(supervision.speaks);
                }
            }
        }
        let (steps, changing) = self.world.steps();
        counts.steps = (steps, changing);
        counts.hours = self.world.time().as_secs_f64() * phones.len() as f64 / 3600.0;
    }
}

impl Counts {
    fn add(&mut self, day: &Self) {
        self.ended += day.ended;
        self.requests += day.requests;
        self.refused += day.refused;
        self.unconfirmed += day.unconfirmed;
        self.wrapped_up += day.wrapped_up;
        self.recorded += day.recorded;
        self.supervised += day.supervised;
        self.modes += day.modes;
        self.restarts += day.restarts;
        self.deaths += day.deaths;
        self.steps.0 += day.steps.0;
        self.steps.1 += day.steps.1;
        self.hours += day.hours;
        for (all, of_day) in self.checks.iter_mut().zip(day.checks) {
            *all += of_day;
        }
    }
}

fn day(seed: u64, counts: &mut Counts) {
    let mut floor = Floor::open(seed);
    for _ in 0..ACTIONS {
        floor.wait(800);
        floor.act();
    }
    counts.add(&floor.close());
}

#[test]
fn days_of_a_contact_centre_show_nothing_that_the_server_does_not_have() {
    let rates = |counts: &Counts| (counts.steps.1, counts.hours);
    let (seeds, counts) = crate::trouble::seeds(SEEDS, "days", day, rates);
    // One day that is tried again need not have everything.
    if seeds < SEEDS {
        return;
    }
    let Counts { ended, requests, refused, unconfirmed, wrapped_up, .. } = counts;
    let Counts { recorded, supervised, modes, restarts, deaths, .. } = counts;
    let of_agents = [requests, refused, unconfirmed, wrapped_up];
    for count in [ended, recorded, supervised, modes, restarts, deaths].iter().chain(&of_agents) {
        assert!(*count > 0, "{counts:?}");
    }
    assert!(counts.checks.iter().all(|checks| *checks > 1_000), "{counts:?}");
}
