//! Messages between users: taken with 202, handed on, or reported as not delivered (RFC 3428), as the pack's
//! `messages.conf` does it.

use crate::pbx::Pbx;
use crate::{Extension, FlowId};
use sidetone_sip::transaction::ServerKey;
use sidetone_sip::{HeaderName, Method, Request, StatusCode, Uri};
use std::time::Duration;

impl Pbx {
    pub(crate) fn handle_message(
        &mut self,
        key: &ServerKey,
        flow: FlowId,
        request: &Request,
        now: Duration,
    ) {
        let number = request.uri.user.as_deref().unwrap_or_default();
        if number == "push" {
            // Nobody is pushed to by the model's dialplan.
            return self.refuse(key, request, StatusCode::METHOD_NOT_ALLOWED, now);
        }
        let Some(writer) = self.authenticate(key, request, now) else { return };
        let tag = self.random.hex(8);
        let accepted = self.finish(request.response(StatusCode::ACCEPTED, Some(&tag)));
        self.transactions.respond(key, accepted, now);
        let reader = match self.config.extensions.get(number) {
            Some(Extension::User(user)) => self.registrar.of(user).first().cloned(),
            Some(_) | None => None,
        };
        let (target, flow, report) = match reader {
            Some(contact) => (contact.uri, contact.flow, None),
            None => {
                let named = request.headers.get(&HeaderName::X_MESSAGE_ID);
                let Some(named) = named.map(|id| id.into_owned()) else { return };
                let Some(contact) = self.registrar.of(&writer).iter().find(|c| c.flow == flow)
                else {
                    return;
                };
                (contact.uri.clone(), flow, Some(named))
            }
        };
        let message = self.message(target, &writer, request, report);
        self.send(message, flow, now);
    }

    fn message(&mut self, to: Uri, from: &str, of: &Request, report: Option<String>) -> Request {
        let user = self.config.users.get(from);
        let (name, number) = user.map_or(("", from), |user| (&user.display_name, &user.number));
        let from = format!("\"{name}\" <sip:{number}@{}>;tag=", self.config.realm);
        let (call_id, tag) = (self.random.uuid(), self.random.hex(8));
        let mut message = Request::new(Method::Message, to.clone());
        let headers = &mut message.headers;
        headers.push(HeaderName::MAX_FORWARDS, "70");
        headers.push(HeaderName::FROM, format!("{from}{tag}"));
        headers.push(HeaderName::TO, format!("<{to}>"));
        headers.push(HeaderName::CALL_ID, call_id);
        headers.push(HeaderName::CSEQ, "1 MESSAGE");
        match report {
            Some(id) => {
                headers.push(HeaderName::X_MESSAGE_REPORT, id);
                message.set_body("text/plain", b"not delivered".to_vec());
            }
            None => message.set_body("text/plain", of.body.clone()),
        }
        message
    }
}
