//! What a driver and a media server would do: the outputs of phones and PBX, carried out.

use crate::media::{self, Heard};
use crate::wire::{End, Parcel, Spoil, Wire};
use crate::world::{Happening, World};
use sidetone_pbx::{LegId, MediaCommand, PbxOutput, Treatment};
use sidetone_phone::{
    CallId, DescribeRequest, Event, FlowErrorKind, FlowId, HistoryFilter, Output,
};
use std::time::Duration;

impl World {
    pub(crate) fn carry_out(&mut self, index: usize, output: Output) {
        self.asked += 1;
        match output {
            Output::OpenFlow { flow, timeout, .. } => self.open(index, flow, timeout),
            Output::CloseFlow { flow } => {
                self.handsets[index].gone.insert(flow);
                if let Some(wire) = self.wire_of(index, flow) {
                    self.close(wire, End::Phone);
                }
            }
            Output::Transmit { flow, bytes } => self.transmit(index, flow, bytes),
            Output::Probe { flow } => {
                if let Some(wire) = self.wire_of(index, flow) {
                    self.send(wire, End::Pbx, Parcel::Ping);
                }
            }
            Output::Describe { call, generation, request } => {
                let now = self.now;
                self.listeners.insert(index);
                let ears = self.handsets[index].ears.entry(call).or_default();
                let direction = match &request {
                    DescribeRequest::Offer { direction, ice_restart } => {
                        if *ice_restart {
                            ears.restart(now);
                        }
                        *direction
                    }
                    DescribeRequest::Answer { offer, direction } => {
                        ears.leg = media::leg_in(offer);
                        *direction
                    }
                };
                let sdp = media::of_phone(index, call, generation.0, direction);
                let described = Happening::Described { phone: index, call, generation, sdp };
                self.plan(media::DESCRIBE, described);
            }
            Output::SetRemoteAnswer { call, sdp } => {
                if let Some(ears) = self.handsets[index].ears.get_mut(&call) {
                    ears.leg = media::leg_in(&sdp);
                }
                self.connect(index, call);
            }
            Output::Rollback { .. } => {}
            Output::SetUplink { call, open, muted } => {
                self.ensure_audio(index, open);
                if let Some(ears) = self.handsets[index].ears.get_mut(&call) {
                    (ears.uplink, ears.muted) = (open, muted);
                }
                self.listen(index, call);
            }
            Output::SetDownlink { call, open } => {
                self.ensure_audio(index, open);
                if let Some(ears) = self.handsets[index].ears.get_mut(&call) {
                    ears.downlink = open;
                }
                self.listen(index, call);
            }
            Output::Mix { .. } => {}
            Output::SendDtmf { call, .. } => {
                self.plan(Duration::from_millis(200), Happening::DtmfSent { phone: index, call });
            }
            Output::PlayTone { call } => {
                self.plan(media::TONE, Happening::TonePlayed { phone: index, call });
            }
            Output::SetCallWaiting { on } => self.ensure_audio(index, on),
            Output::RenewMedia { call } | Output::ReleaseMedia { call } => {
                let leg = self.handsets[index].ears.remove(&call).and_then(|ears| ears.leg);
                if self.handsets[index].ears.is_empty() {
                    self.listeners.remove(&index);
                }
                if let Some(leg) = leg {
                    self.plan(media::RTP_TIMEOUT, Happening::LegSilent { leg });
                }
            }
            Output::SetAudio { .. } => {}
            Output::Event(event) => {
                self.platform_hears(index, &event);
                if !self.forgets {
                    self.ladder.event(&self.handsets[index].name, &event, self.now);
                    self.handsets[index].events.push(event);
                }
            }
            Output::Save(saved) => self.handsets[index].saved = Some(saved),
            Output::Record(_) if self.forgets => {}
            Output::Record(record) => {
                let now = self.now();
                self.handsets[index].history.add(record, now);
            }
            Output::KeepMessage(_) | Output::MarkMessage { .. } if self.forgets => {}
            Output::KeepMessage(message) => {
                let now = self.now();
                self.handsets[index].messages.keep(message, now);
            }
            Output::MarkMessage { message, state } => {
                self.handsets[index].messages.mark(message, state);
            }
        }
    }

    /// A call that ends is in the history by then, once; a supervision is not. A message that came in is kept.
    pub(crate) fn look_for(&self, index: usize, output: &Output) {
        let handset = &self.handsets[index];
        if let Output::Event(Event::MessageReceived(message)) = output
            && !self.forgets
        {
            let latest = handset.messages.log().page(None, 1).messages;
            self.ensure(latest.contains(message), "a message that is told is kept");
        }
        let Output::Event(Event::Ended { call, .. }) = output else { return };
        if !self.forgets && handset.told.is_live(*call) {
            let latest = handset.history.page(&HistoryFilter::default(), None, 20);
            let kept = latest.entries.iter().filter(|entry| entry.record.call == *call).count();
            let supervises = |event: &Event| matches!(event, Event::SupervisionChanged { call: of, .. } if of == call);
            let wanted = usize::from(!handset.events.iter().any(supervises));
            self.ensure(kept == wanted, &format!("{kept} records of a call that ended"));
        }
    }

    fn open(&mut self, index: usize, flow: FlowId, timeout: Duration) {
        let handset = &self.handsets[index];
        let (reachable, delay) = (handset.reachable, handset.delay);
        if !reachable || !self.server_up {
            let (after, kind) = match reachable {
                false => (timeout, FlowErrorKind::TimedOut),
                true => (delay * 2, FlowErrorKind::Unreachable),
            };
            return self.plan(after, Happening::OpenFailed { phone: index, flow, kind });
        }
        self.last_number += 1;
        let number = self.last_number;
        self.wires.insert(number, Wire::new(index, flow, delay, Spoil::Clean));
        self.handsets[index].wires.push(number);
        // TCP, TLS 1.3 and the WebSocket upgrade: three round trips.
        self.plan(delay * 6, Happening::Opened { wire: number });
    }

    fn transmit(&mut self, index: usize, flow: FlowId, bytes: Vec<u8>) {
        if !self.forgets {
            self.ladder.message(&self.handsets[index].name, false, &bytes, self.now);
            self.handsets[index].bytes.extend_from_slice(&bytes);
        }
        if let Err(what) = self.invites[0].went(&bytes) {
            self.fail(&format!("{}: {what}", self.handsets[index].name));
        }
        let handset = &self.handsets[index];
        let is_known = !handset.gone.contains(&flow);
        self.ensure(is_known, &format!("{} sends on a flow that is gone", handset.name));
        if let Some(wire) = self.wire_of(index, flow) {
            self.send(wire, End::Pbx, Parcel::Frame(bytes));
        }
    }

    pub(crate) fn carry_out_for_pbx(&mut self, output: PbxOutput) {
        self.asked += 1;
        match output {
            PbxOutput::Transmit { flow, bytes } => {
                let Some(wire) = self.wires.get(&flow.0).filter(|wire| wire.pbx_open) else {
                    self.fail("the PBX sends on a flow that is gone");
                };
                if !self.forgets {
                    self.ladder.message(&self.handsets[wire.phone].name, true, &bytes, self.now);
                }
                if let Err(what) = self.invites[1].went(&bytes) {
                    self.fail(&format!("the PBX: {what}"));
                }
                self.send(flow.0, End::Phone, Parcel::Frame(bytes));
            }
            PbxOutput::CloseFlow { flow } => self.close(flow.0, End::Pbx),
            PbxOutput::Push(push) => self.post(&push),
            PbxOutput::Media(command) => {
                self.mixer.take(&command);
                match command {
                    MediaCommand::Describe { leg, generation, direction, .. } => {
                        let sdp = media::of_leg(leg, generation.0, direction);
                        let described = Happening::LegDescribed { leg, generation, sdp };
                        self.plan(Duration::from_millis(1), described);
                    }
                    MediaCommand::SetRemoteAnswer { sdp, .. } => {
                        if let Some((phone, call)) = media::call_in(&sdp) {
                            self.connect(phone, call);
                        }
                    }
                    MediaCommand::Release { leg } => {
                        for (phone, call) in self.listeners(leg) {
                            let lost = Happening::ConsentLost { phone, call, leg };
                            self.plan(media::CONSENT, lost);
                        }
                    }
                    MediaCommand::Rollback { .. } => {}
                    MediaCommand::Connect { .. }
                    | MediaCommand::Mix { .. }
                    | MediaCommand::Play { .. } => {
                        for index in self.listeners.clone() {
                            let calls: Vec<_> = self.handsets[index].ears.keys().copied().collect();
                            calls.into_iter().for_each(|call| self.listen(index, call));
                        }
                    }
                }
            }
        }
    }

    /// The calls whose media ends at a leg.
    fn listeners(&self, leg: LegId) -> Vec<(usize, CallId)> {
        let all = self.listeners.iter().flat_map(|index| {
            let ears = self.handsets[*index].ears.iter();
            ears.map(move |(call, ears)| (*index, *call, ears.leg))
        });
        all.filter(|(.., at)| *at == Some(leg)).map(|(index, call, _)| (index, call)).collect()
    }

    /// Both descriptions are there: ICE and DTLS begin, once.
    fn connect(&mut self, index: usize, call: CallId) {
        let Some(handset) = self.handsets.get_mut(index) else { return };
        let after = handset.delay * 4 + media::CONNECT;
        if let Some(ears) = handset.ears.get_mut(&call).filter(|ears| !ears.told.0) {
            ears.told.0 = true;
            let round = ears.round;
            self.plan(after, Happening::Connected { phone: index, call, round });
        }
    }

    /// Tells the first packets, once there is something to send or to hear.
    pub(crate) fn listen(&mut self, index: usize, call: CallId) {
        let Some(ears) = self.handsets[index].ears.get_mut(&call) else { return };
        let silence = Heard::Made(Treatment::Silence);
        let heard = ears.leg.and_then(|leg| self.mixer.heard_by(leg)).filter(|h| *h != silence);
        let sends = ears.connected && ears.uplink && !ears.told.1;
        let hears = ears.connected && ears.downlink && heard.is_some() && !ears.told.2;
        ears.told.1 |= sends;
        ears.told.2 |= hears;
        if sends {
            self.plan(media::FIRST_PACKET, Happening::FirstSent { phone: index, call });
        }
        if hears {
            self.plan(media::FIRST_PACKET, Happening::FirstHeard { phone: index, call });
        }
    }

    fn wire_of(&self, index: usize, flow: FlowId) -> Option<u64> {
        let own = |wire: &Wire| wire.flow == flow && wire.phone_open;
        let wires = self.handsets[index].wires.iter().copied();
        wires.filter(|number| self.wires.get(number).is_some_and(own)).min()
    }
}
