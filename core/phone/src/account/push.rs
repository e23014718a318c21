//! Sleep and what wakes: the push token's way to the server, and the lamp of a phone that has no
//! connection (RFC 8599; docs/push.md).
//!
//! A registrar of RFC 8599 says `+sip.pns` in Feature-Caps: it pushes by itself and keeps the binding
//! of a sleeping phone. Any other gets the token by MESSAGE to `sip:push@domain`, and a sleeping
//! phone takes its binding away, so that no call is sent to where nobody listens.

use super::{Account, FlowChange, Wish};
use crate::text::clip;
use crate::ua::{Owner, Ua};
use crate::{CommandError, Now, PushToken, RegistrationProblem, RegistrationState, SavedPush};
use sidetone_sip::transaction::ClientKey;
use sidetone_sip::{HeaderName, Method, Request, Response, StatusCode, Uri};

/// The longest `pn-param` and `pn-prid`.
const LONGEST: (usize, usize) = (128, 512);

impl Account {
    /// Whether the user has signed in, and not out: calls may come, by INVITE or by push.
    pub(crate) fn wants_calls(&self) -> bool {
        match self.wish {
            Wish::In | Wish::Asleep | Wish::Leaving { to_sleep: true, .. } => true,
            Wish::Out | Wish::Leaving { to_sleep: false, .. } => false,
        }
    }

    /// Lets go of the connection.
    ///
    /// # Errors
    /// Signed out: there is nothing that could wake the phone.
    pub(crate) fn sleep(&mut self, ua: &mut Ua, now: Now) -> Result<FlowChange, CommandError> {
        match self.wish {
            Wish::In => {}
            Wish::Asleep | Wish::Leaving { to_sleep: true, .. } => return Ok(FlowChange::None),
            Wish::Out | Wish::Leaving { to_sleep: false, .. } => {
                return Err(CommandError::NotRegistered);
            }
        }
        self.retry_at = None;
        let until = now.boot + super::LEAVE_LIMIT;
        self.wish = Wish::Leaving { until, to_sleep: true };
        if self.link.is_up() && !self.push.by_registrar {
            self.register(ua, now);
            return Ok(FlowChange::None);
        }
        Ok(self.leave(ua, now))
    }

    /// A push came: a connection is wanted now, and one that is there is doubted, since the server
    /// may not know of it.
    pub(crate) fn wake(&mut self, ua: &mut Ua, now: Now) -> FlowChange {
        match self.wish {
            Wish::In if self.retry_at.is_none() => {
                self.doubt(ua, now);
                FlowChange::None
            }
            Wish::In | Wish::Asleep => self.sign_in(ua, now),
            Wish::Leaving { to_sleep: true, .. } => {
                // The flow is still there: the binding that is on its way out is made again.
                self.wish = Wish::In;
                self.set_lamp(RegistrationState::Registering, None, ua, now);
                self.register(ua, now);
                FlowChange::None
            }
            Wish::Out | Wish::Leaving { to_sleep: false, .. } => FlowChange::None,
        }
    }

    /// The lamp of a phone that sleeps.
    pub(super) fn asleep(&self) -> (RegistrationState, Option<RegistrationProblem>) {
        if self.push.token.is_some() && self.push.confirmed {
            (RegistrationState::ReachableByPush, None)
        } else {
            (RegistrationState::Asleep, self.push_problem.clone())
        }
    }

    /// The platform's token is another.
    ///
    /// # Errors
    /// No Contact can carry it.
    pub(crate) fn set_token(
        &mut self,
        token: Option<PushToken>,
        ua: &mut Ua,
        now: Now,
    ) -> Result<(), CommandError> {
        if token.as_ref().is_some_and(|token| !is_valid(token)) {
            return Err(CommandError::InvalidToken);
        }
        if token == self.push.token {
            return Ok(());
        }
        let before = std::mem::replace(&mut self.push, SavedPush { token, ..SavedPush::default() });
        self.push_problem = None;
        self.without_push = false;
        if !self.is_registered() {
            return Ok(());
        }
        if self.push.token.is_none()
            && let Some(old) = before.token
        {
            self.withdraw(old, ua, now);
        }
        // The Contact carries it, and what the registrar then says decides how it is handed over.
        self.register(ua, now);
        Ok(())
    }

    /// The user signs out: nobody shall wake this phone any more.
    pub(super) fn take_token_back(&mut self, ua: &mut Ua, now: Now) {
        let confirmed = std::mem::take(&mut self.push.confirmed);
        if let Some(token) = self.push.token.clone().filter(|_| confirmed)
            && !self.push.by_registrar
        {
            self.withdraw(token, ua, now);
        }
    }

    /// Has the server's dialplan forget a token: an empty one takes its place.
    fn withdraw(&mut self, token: PushToken, ua: &mut Ua, now: Now) {
        self.hand_over(&PushToken { prid: String::new(), ..token }, ua, now);
    }

    /// 555: the registrar does not know our push service (RFC 8599 §4.1.3). It is registered at
    /// without, and the dialplan is asked.
    pub(super) fn push_not_served(
        &mut self,
        response: &Response,
        ua: &mut Ua,
        now: Now,
    ) -> FlowChange {
        log::warn!("the registrar does not know this phone's push service: {}", response.reason);
        self.without_push = true;
        self.register(ua, now);
        FlowChange::None
    }

    /// A REGISTER was granted: what the registrar says of pushes.
    pub(super) fn registered_for_push(&mut self, response: &Response, ua: &mut Ua, now: Now) {
        let Some(token) = self.push.token.clone() else { return };
        let caps = response.headers.list(&HeaderName::new("Feature-Caps"));
        self.push.by_registrar = caps.iter().any(|caps| pushes_to(caps, &token));
        if self.push.by_registrar {
            self.push.confirmed = true;
        } else if !self.push.confirmed && self.handing_over.is_none() {
            self.hand_over(&token, ua, now);
        }
    }

    /// Hands the token to the server's dialplan.
    fn hand_over(&mut self, token: &PushToken, ua: &mut Ua, now: Now) {
        let mut request = Request::new(Method::Message, Uri::sip("push", &ua.domain()));
        let (address, tag) = (ua.address(), ua.token());
        let call_id = ua.call_id_header();
        let mut to = address.clone();
        to.display = None;
        to.uri = Uri::sip("push", &ua.domain());
        let headers = &mut request.headers;
        headers.push(HeaderName::MAX_FORWARDS, "70");
        headers.push(HeaderName::FROM, address.with_tag(&tag).to_string());
        headers.push(HeaderName::TO, to.to_string());
        headers.push(HeaderName::CALL_ID, call_id);
        headers.push(HeaderName::CSEQ, "1 MESSAGE");
        let provider = token.provider.as_str();
        let body = serde_json::json!({
            "v": 1, "provider": provider, "param": token.param, "prid": token.prid,
        });
        // Asterisk takes no other type.
        request.set_body("text/plain", body.to_string().into_bytes());
        let key = ua.send(request, Owner::Token, now);
        // A token that is forgotten is not waited for.
        self.handing_over = key.filter(|_| !token.prid.is_empty());
    }

    /// The token's MESSAGE was not answered: it goes again after the next REGISTER.
    pub(crate) fn token_unanswered(&mut self, key: &ClientKey) {
        self.handing_over.take_if(|ours| ours == key);
    }

    /// A response to the token's MESSAGE.
    pub(crate) fn handle_token_response(
        &mut self,
        key: &ClientKey,
        response: &Response,
        ua: &mut Ua,
        now: Now,
    ) {
        if response.status.is_provisional() {
            return;
        }
        let sent = ua.take_sent(key);
        let ours = self.handing_over.as_ref() == Some(key);
        let challenge = [StatusCode::UNAUTHORIZED, StatusCode::PROXY_AUTHENTICATION_REQUIRED];
        if let Some(sent) = sent.filter(|_| challenge.contains(&response.status))
            && let Ok(Some((again, _))) = ua.authenticate(sent, response, now)
        {
            if ours {
                self.handing_over = Some(again);
            }
            return;
        }
        if !ours {
            return;
        }
        self.handing_over = None;
        self.push.confirmed = response.status.is_success();
        self.push_problem = (!self.push.confirmed).then(|| {
            let reason = clip(&response.reason, 256);
            log::warn!("the push token was not taken: {} {reason}", response.status.code());
            RegistrationProblem::PushRefused { status: response.status.code(), reason }
        });
        if self.lamp.state == RegistrationState::Registered {
            self.set_lamp(RegistrationState::Registered, self.push_problem.clone(), ua, now);
        }
    }

    /// The parameters of our Contact (RFC 8599 §4.1).
    pub(super) fn push_params(&self, contact: &mut Uri) {
        if let Some(token) = self.push.token.as_ref().filter(|_| !self.without_push) {
            contact.set_param("pn-provider", token.provider.as_str());
            contact.set_param("pn-param", &token.param);
            contact.set_param("pn-prid", &token.prid);
        }
    }
}

/// What is known of pushes at the start.
pub(super) fn known(saved: Option<SavedPush>, configured: Option<PushToken>) -> SavedPush {
    let saved = saved.unwrap_or_default();
    let valid = saved.token.as_ref().is_some_and(is_valid);
    let kept = if valid { saved } else { SavedPush::default() };
    match configured.filter(is_valid) {
        Some(token) if kept.token.as_ref() != Some(&token) => {
            SavedPush { token: Some(token), ..SavedPush::default() }
        }
        Some(_) | None => kept,
    }
}

fn is_valid(token: &PushToken) -> bool {
    let clean = |text: &str, most: usize| {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~:/+=".contains(&byte);
        !text.is_empty() && text.len() <= most && text.bytes().all(allowed)
    };
    clean(&token.param, LONGEST.0) && clean(&token.prid, LONGEST.1)
}

/// Whether these Feature-Caps name our push service (RFC 8599 §4.2.1), or all.
fn pushes_to(caps: &str, token: &PushToken) -> bool {
    caps.split(';').map(str::trim).any(|cap| {
        let (name, value) = cap.split_once('=').unwrap_or((cap, ""));
        let value = value.trim().trim_matches('"');
        name.trim().eq_ignore_ascii_case("+sip.pns")
            && (value.is_empty() || value.split(',').any(|v| v.trim() == token.provider.as_str()))
    })
}
