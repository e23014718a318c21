//! The INFO that calls up, inside the call that is meant, what a code has asked for, or has its recordings take the voice anew: `Record: on`, which Asterisk's
//! `res_pjsip_one_touch_record_info` reads (RFC 6086 §2 calls such use legacy).

use super::Call;
use crate::Now;
use crate::ua::Ua;
use sidetone_sip::transaction::ClientKey;
use sidetone_sip::{HeaderName, Method, Request};

impl Call {
    /// Sends it; `false`: there is no way.
    pub(crate) fn call_up_recording(&mut self, ua: &mut Ua, now: Now) -> bool {
        let fill = |_: &Self, request: &mut Request| request.headers.push(HeaderName::RECORD, "on");
        if self.is_up() {
            self.recording_by = self.send_inside(Method::Info, fill, ua, now);
        }
        self.recording_by.is_some()
    }

    /// Whether this side holds it, as agreed.
    pub(crate) fn is_held_here(&self) -> bool {
        self.hold.local
    }

    /// Whether this transaction is that INFO.
    pub(crate) fn is_calling_up_by(&self, key: &ClientKey) -> bool {
        self.recording_by.as_ref() == Some(key)
    }

    /// It was challenged and sent again.
    pub(super) fn called_up_again(&mut self, key: &ClientKey, again: &Option<(ClientKey, u32)>) {
        if let Some((again, _)) = again
            && self.is_calling_up_by(key)
        {
            self.recording_by = Some(again.clone());
        }
    }
}
