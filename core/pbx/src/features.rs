//! What this server has and what each user may: the code of the pack's `selftest.conf`, what is told, and calls outside that
//! are refused. A transfer outside is refused by itself, for nothing here brings a caller back.

use crate::call::{CallKey, Cause};
use crate::pbx::Pbx;
use crate::{LegId, Step};
use serde_json::{Value, json};
use sidetone_sip::StatusCode;
use std::time::Duration;

/// The code.
pub(crate) const CODE: &str = "sidetone*features";
/// What numbers outside begin with.
const OUTSIDE: [&str; 2] = ["0", "+"];

impl Pbx {
    /// Carries the code out; who dials is known from his leg alone.
    pub(crate) fn test_itself(&mut self, key: CallKey, caller: LegId, now: Duration) {
        let Some(user) = self.legs.get(&caller).map(|leg| leg.user.clone()) else {
            return self.end_call(key, Cause::Refused(StatusCode::FORBIDDEN), now);
        };
        self.curious.insert(user.clone());
        self.tell_features(&user, now);
        self.take_these(key, caller, [Step::Answer, Step::HangUp(StatusCode::OK)], now);
    }

    /// The right to go outside is taken from a user, or given back to him.
    pub(crate) fn keep_inside(&mut self, user: String, (on, told): (bool, bool), now: Duration) {
        let kept = &mut self.config.kept_inside;
        match on {
            true => kept.insert(user.clone()),
            false => kept.remove(&user),
        };
        if told {
            self.tell_features(&user, now);
        }
    }

    /// What there is and what he may, to each phone of a user who has asked.
    pub(crate) fn tell_features(&mut self, user: &str, now: Duration) {
        if self.curious.contains(user) {
            let told = json!({ "v": 1, "features": self.features(user), "outside": OUTSIDE });
            self.notify_all(user, "sidetone-features", &told.to_string(), now);
        }
    }

    /// Whether this user may not go where that number leads.
    pub(crate) fn is_kept_inside(&self, user: &str, number: &str) -> bool {
        let is_outside = OUTSIDE.iter().any(|beginning| number.starts_with(beginning));
        is_outside && self.config.kept_inside.contains(user)
    }

    fn features(&self, user: &str) -> Vec<Value> {
        let is_agent = self.config.agents.contains_key(user);
        let is_free = !self.config.kept_inside.contains(user);
        let features = [
            ("push", true),
            ("queues", is_agent),
            ("team", self.may_watch(user)),
            ("recordings", is_agent),
            ("supervision", self.config.supervisors.contains_key(user)),
            ("masking", true),
            ("transfers_return", true),
            ("messages", true),
            ("outside_calls", is_free),
            ("outside_transfers", is_free),
            ("auto_answer", is_free),
            ("settings", is_free),
        ];
        let tell = |(name, may): (&str, bool)| match self.config.lacks.get(name) {
            Some(why) => json!({ "name": name, "has": false, "may": true, "why": why }),
            None => json!({ "name": name, "has": true, "may": may }),
        };
        features.into_iter().map(tell).collect()
    }
}
