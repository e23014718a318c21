//! The tone of a call that waits while the agent talks: he alone hears it, as on any telephone (ITU-T E.180).

use crate::Output;
use crate::call::Call;
use crate::phone::Phone;

impl Phone {
    /// After each step: it sounds while a call rings and another is spoken in.
    pub(crate) fn sound_call_waiting(&mut self) {
        let rings = self.calls.iter().any(Call::rings);
        let on = self.ua.config.call_waiting && rings && self.calls.iter().any(Call::is_heard);
        if on != self.waiting {
            self.waiting = on;
            self.ua.ask(Output::SetCallWaiting { on });
        }
    }
}
