//! What must become of one call, whatever happens to it in whatever order: a model of a few lines, and all
//! the orders that it allows.

use std::fmt;

/// What can happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Push,
    PushAgain,
    /// The server rings: INVITE, where the phone is signed in, or as soon as it is.
    Invite,
    /// The user at the platform's call screen.
    Answer,
    /// Before the answer he refuses, after it he hangs up.
    Decline,
    /// The caller gives up: CANCEL, or BYE.
    Cancel,
    /// The platform lets audio flow.
    Activate,
    /// It takes the audio away.
    Deactivate,
    /// The process dies at once, and is started again.
    Kill,
}

const STEPS: [Step; 9] = [
    Step::Push,
    Step::PushAgain,
    Step::Invite,
    Step::Answer,
    Step::Decline,
    Step::Cancel,
    Step::Activate,
    Step::Deactivate,
    Step::Kill,
];

/// How the phone is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    Asleep,
    Awake,
}

/// What the platform does with the audio.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Audio {
    /// It activates a session when it likes (CallKit).
    Activated,
    /// It follows the answer, and another app's call may take it (Telecom).
    Follows,
}

/// An order, and how it is found again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) start: Start,
    pub(crate) steps: Vec<Step>,
}

impl Order {
    /// Reads one as it is printed.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (start, steps) = text.split_once(':')?;
        let starts = [Start::Awake, Start::Asleep];
        let start = starts.into_iter().find(|it| format!("{it:?}") == start)?;
        let named = |name: &str| STEPS.into_iter().find(|it| format!("{it:?}") == name);
        Some(Self { start, steps: steps.split_whitespace().map(named).collect::<Option<_>>()? })
    }
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}:", self.start)?;
        self.steps.iter().try_for_each(|step| write!(f, " {step:?}"))
    }
}

/// The call as it must be.
#[derive(Debug, Clone, Copy)]
#[allow(clippy::struct_excessive_bools, reason = "facts that any order can bring about")]
pub(crate) struct World {
    audio_is: Audio,
    signed_in: bool,
    pushed: bool,
    pushed_again: bool,
    invited: bool,
    given_up: bool,
    /// The INVITE reached the phone, in this life of it or in an earlier one.
    pub(crate) reached: bool,
    pub(crate) answered: bool,
    declined: bool,
    killed: bool,
    pub(crate) over: bool,
    /// How often the phone tells its end, in this life: once, and for each push that it is handed later.
    pub(crate) ends: usize,
    /// Pushes that it may have been handed later.
    pub(crate) late: usize,
    /// Audio may flow.
    pub(crate) audio: bool,
    was_activated: bool,
}

impl World {
    pub(crate) fn new(start: Start, audio_is: Audio) -> Self {
        Self {
            audio_is,
            signed_in: start == Start::Awake,
            pushed: false,
            pushed_again: false,
            invited: false,
            given_up: false,
            reached: false,
            answered: false,
            declined: false,
            killed: false,
            over: false,
            ends: 0,
            late: 0,
            audio: false,
            was_activated: false,
        }
    }

    /// Platform and phone have the call.
    pub(crate) fn is_live(self) -> bool {
        (self.pushed || self.reached) && !self.over
    }

    /// The server has it.
    pub(crate) fn is_at_server(self) -> bool {
        self.invited && !self.given_up && !self.over
    }

    /// Both sides have it, and it was answered.
    pub(crate) fn is_established(self) -> bool {
        self.is_live() && self.reached && self.answered && !self.given_up
    }

    /// Whether a step can come now and do something.
    pub(crate) fn allows(self, step: Step) -> bool {
        match step {
            Step::Push => !self.pushed,
            Step::PushAgain => self.pushed && !self.pushed_again,
            Step::Invite => !self.invited,
            Step::Answer => self.is_live() && !self.answered,
            Step::Decline => self.is_live(),
            Step::Cancel => self.is_at_server(),
            Step::Activate => {
                let had = self.was_activated;
                let may = match self.audio_is {
                    Audio::Activated => !had,
                    Audio::Follows => had,
                };
                may && self.is_live() && self.answered && !self.audio
            }
            Step::Deactivate => {
                // Telecom has nothing to hold before both sides have the call.
                let may = self.audio_is == Audio::Activated || self.is_established();
                may && self.audio && (self.audio_is == Audio::Activated || !self.was_activated)
            }
            Step::Kill => !self.killed,
        }
    }

    /// The world after it.
    #[must_use]
    pub(crate) fn after(mut self, step: Step) -> Self {
        let was_over = self.over;
        match step {
            Step::Push => (self.pushed, self.signed_in) = (true, true),
            Step::PushAgain => self.pushed_again = true,
            Step::Invite => self.invited = true,
            Step::Answer => {
                self.answered = true;
                self.audio = self.audio_is == Audio::Follows;
            }
            Step::Decline => (self.declined, self.over) = (true, true),
            Step::Cancel => {
                self.given_up = true;
                self.over |= self.reached;
            }
            Step::Activate => (self.audio, self.was_activated) = (true, true),
            Step::Deactivate => {
                self.audio = false;
                self.was_activated = true;
            }
            Step::Kill => {
                (self.killed, self.signed_in) = (true, true);
                // What was up cannot be taken up again, and is hung up.
                self.over |= self.is_established();
                self.audio = self.audio_is == Audio::Follows && self.answered;
                self.was_activated = false;
            }
        }
        if step == Step::Kill {
            (self.ends, self.late) = (0, 0);
        }
        let is_push = matches!(step, Step::Push | Step::PushAgain);
        self.ends += usize::from(is_push && was_over || self.over != was_over);
        self.late += usize::from(is_push && !was_over);
        self.reached();
        self.audio &= self.is_live();
        self
    }

    /// The world when the phone has signed in, had it not before.
    #[must_use]
    pub(crate) fn signed_in(mut self) -> Self {
        self.signed_in = true;
        self.reached();
        self
    }

    /// Whether audio may have flowed, in this life of the phone.
    pub(crate) fn may_be_heard(self) -> bool {
        self.answered && (self.audio_is == Audio::Follows || self.was_activated)
    }

    fn reached(&mut self) {
        self.reached |= self.is_at_server() && self.signed_in;
    }

    /// The worlds of an order, one after each step.
    pub(crate) fn along(order: &Order, audio_is: Audio) -> Vec<Self> {
        let mut world = Self::new(order.start, audio_is);
        let steps = order.steps.iter();
        steps
            .map(|step| {
                world = world.after(*step);
                world
            })
            .collect()
    }
}

/// All orders of so many steps, and those that end before; each covers its beginnings.
pub(crate) fn all(start: Start, audio_is: Audio, length: usize) -> Vec<Order> {
    let mut orders = Vec::new();
    let steps = &mut Vec::new();
    let world = World::new(start, audio_is);
    go(world, length, steps, &mut |steps| {
        orders.push(Order { start, steps: steps.to_vec() });
    });
    orders
}

fn go(world: World, left: usize, steps: &mut Vec<Step>, found: &mut impl FnMut(&[Step])) {
    let next: Vec<Step> = STEPS.into_iter().filter(|step| world.allows(*step)).collect();
    if left == 0 || next.is_empty() {
        return found(steps);
    }
    for step in next {
        steps.push(step);
        go(world.after(step), left - 1, steps, found);
        steps.pop();
    }
}

/// How many orders there are that go on until nothing more can happen.
pub(crate) fn count(world: World) -> u64 {
    let next = STEPS.into_iter().filter(|step| world.allows(*step));
    let below: u64 = next.map(|step| count(world.after(step))).sum();
    below.max(1)
}

/// Some of those, drawn from a seed; each order is as likely as any other.
pub(crate) fn some(start: Start, audio_is: Audio, how_many: usize, seed: u64) -> Vec<Order> {
    let mut random = seed;
    let mut draw = |below: u64| {
        // SplitMix64.
        random = random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut it = random;
        it = (it ^ (it >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        it = (it ^ (it >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (it ^ (it >> 31)) % below
    };
    let one = |draw: &mut dyn FnMut(u64) -> u64| {
        let (mut world, mut steps) = (World::new(start, audio_is), Vec::new());
        loop {
            let next: Vec<_> = STEPS.into_iter().filter(|step| world.allows(*step)).collect();
            let sizes: Vec<_> = next.iter().map(|step| count(world.after(*step))).collect();
            let sum: u64 = sizes.iter().sum();
            if sum == 0 {
                return Order { start, steps };
            }
            let mut at = draw(sum);
            let chosen = next.iter().zip(&sizes).find(|(_, size)| match at.checked_sub(**size) {
                Some(rest) => {
                    at = rest;
                    false
                }
                None => true,
            });
            if let Some((step, _)) = chosen {
                steps.push(*step);
                world = world.after(*step);
            }
        }
    };
    (0..how_many).map(|_| one(&mut draw)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_over_stays_so_and_has_no_audio() {
        for audio_is in [Audio::Activated, Audio::Follows] {
            for start in [Start::Asleep, Start::Awake] {
                let orders = all(start, audio_is, 6);
                println!("{start:?} {audio_is:?}: {} orders of 6", orders.len());
                println!("whole orders: {}", count(World::new(start, audio_is)));
                for order in orders {
                    assert_eq!(Order::parse(&order.to_string()).as_ref(), Some(&order));
                    let worlds = World::along(&order, audio_is);
                    assert!(worlds.windows(2).all(|pair| !pair[0].over || pair[1].over), "{order}");
                    assert!(worlds.iter().all(|world| !world.audio || world.is_live()), "{order}");
                }
            }
        }
    }
}
