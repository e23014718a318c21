//! The graph of all states, and the orders counted on it.
//!
//! A *state* is a [`Subject`] up to what [`Subject::key`] merges; each input is tried once in each state
//! that an order reaches. A *position* is a state together with how often each limited input has
//! come. Positions are walked group by group, a group being all of the same counts, so that only the
//! states are kept; and of a state only where its inputs lead: a line that was let go is played again
//! from the nearest one that is kept.

use super::Subject;
use super::key::Key;
use sidetone_phone::CallState;
use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::time::Duration;

/// As many lines are kept at a time.
const LINES: usize = 30_000;

/// What was explored.
#[derive(Debug, Default)]
pub struct Explored {
    /// States of the phone and its other side that differ.
    pub states: usize,
    /// Inputs that were tried in them.
    pub steps: usize,
    /// Inputs that were played again for lines that had been let go.
    pub replayed: usize,
    /// States together with how often each limited input has come.
    pub positions: u64,
    /// Different orders: sequences of inputs, time-outs among them, from the start to any position.
    pub orders: u128,
}

/// Counts of the limited inputs, two bits each.
type Counts = u64;

/// Tries every input in every state that an order can reach. `limits` says how often an input may
/// come in one order, three times at most; `free` are those that come whenever they can.
///
/// # Errors
/// What must not be, and the order that led to it.
pub fn explore<S: Subject>(
    start: S,
    limits: &[(S::Op, u64)],
    free: &[S::Op],
) -> Result<Explored, String> {
    let inputs = limits.iter().map(|(op, _)| *op).chain(free.iter().copied()).collect();
    let mut graph = Graph::new(start, inputs);
    let free = limits.len()..limits.len() + free.len();
    let mut explored = Explored::default();
    let mut groups: BTreeMap<(u64, Counts), Ways> = BTreeMap::new();
    groups.entry((0, 0)).or_default().add(0, 1);
    while let Some(((sum, counts), entries)) = groups.pop_first() {
        let ways = graph.spread(&entries, free.clone())?;
        explored.positions += ways.nodes.len() as u64;
        for (input, (_, limit)) in limits.iter().enumerate() {
            let shift = input * 2;
            if (counts >> shift) & 3 >= *limit {
                continue;
            }
            let group = groups.entry((sum + 1, counts + (1 << shift))).or_default();
            for (node, ways) in ways.iter() {
                if let Some(to) = graph.step(node, input)? {
                    group.add(to, ways);
                }
            }
            if group.nodes.len() > 2 * group.merged + 64 {
                graph.places.merge(group);
            }
        }
        for (_, ways) in ways.iter() {
            explored.orders = explored.orders.saturating_add(ways);
        }
    }
    graph.check_times()?;
    explored.states = graph.nodes.len();
    explored.steps = graph.steps;
    explored.replayed = graph.replayed;
    Ok(explored)
}

/// A state, by its number.
type Index = u32;

/// In how many ways states are reached; a state may stand here more than once.
#[derive(Default)]
struct Ways {
    nodes: Vec<Index>,
    ways: Vec<u128>,
    /// As many were there after the last merge.
    merged: usize,
}

impl Ways {
    fn add(&mut self, node: Index, ways: u128) {
        self.nodes.push(node);
        self.ways.push(ways);
    }

    fn iter(&self) -> impl Iterator<Item = (Index, u128)> {
        self.nodes.iter().copied().zip(self.ways.iter().copied())
    }
}

/// Where each state stands among those of one group.
#[derive(Default)]
struct Places(Vec<Index>);

impl Places {
    /// The place of a state, at the end where it has none.
    fn of(&mut self, node: Index, among: &mut Ways) -> usize {
        let at = node as usize;
        if self.0.len() <= at {
            self.0.resize(at * 2 + 1, Index::MAX);
        }
        if self.0[at] == Index::MAX {
            self.0[at] = among.nodes.len() as Index;
            among.add(node, 0);
        }
        self.0[at] as usize
    }

    /// Ends with a group.
    fn clear(&mut self, among: &Ways) {
        among.nodes.iter().for_each(|node| self.0[*node as usize] = Index::MAX);
    }

    /// Makes one of the entries of each state.
    fn merge(&mut self, group: &mut Ways) {
        let mut merged = Ways::default();
        for (node, ways) in group.iter() {
            let place = self.of(node, &mut merged);
            merged.ways[place] = merged.ways[place].saturating_add(ways);
        }
        self.clear(&merged);
        merged.merged = merged.nodes.len();
        *group = merged;
    }
}

/// Where an input leads.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Next(Index);

impl Next {
    const UNTRIED: Self = Self(Index::MAX);
    const IMPOSSIBLE: Self = Self(Index::MAX - 1);

    fn node(self) -> Option<Index> {
        (self.0 < Self::IMPOSSIBLE.0).then_some(self.0)
    }
}

/// One state.
struct Node<O> {
    /// How many inputs are possible and not tried.
    left: usize,
    /// How it was reached first.
    parent: Option<(Index, O)>,
    /// How long [`Subject::TIME`] takes from here.
    wait: Duration,
    states: [Option<CallState>; 2],
    /// There is no call, but an INVITE without its final response.
    is_open: bool,
}

struct Graph<S: Subject> {
    inputs: Vec<S::Op>,
    nodes: Vec<Node<S::Op>>,
    /// Where the inputs lead, node by node.
    next: Vec<Next>,
    index: BTreeMap<Key, Index>,
    /// The lines that are kept, and the nodes of them in the order in which they came.
    lines: BTreeMap<Index, S>,
    kept: VecDeque<Index>,
    steps: usize,
    replayed: usize,
    places: Places,
}

impl<S: Subject> Graph<S> {
    fn new(start: S, inputs: Vec<S::Op>) -> Self {
        let mut graph = Self {
            inputs,
            nodes: Vec::new(),
            next: Vec::new(),
            index: BTreeMap::from([(start.key(), 0)]),
            lines: BTreeMap::new(),
            kept: VecDeque::new(),
            steps: 0,
            replayed: 0,
            places: Places::default(),
        };
        graph.push(start, None);
        graph
    }

    fn push(&mut self, line: S, parent: Option<(Index, S::Op)>) {
        let index = self.nodes.len() as Index;
        let possible = self.inputs.iter().map(|op| match line.is_possible(*op) {
            true => Next::UNTRIED,
            false => Next::IMPOSSIBLE,
        });
        let before = self.next.len();
        self.next.extend(possible);
        self.nodes.push(Node {
            left: self.next[before..].iter().filter(|next| **next == Next::UNTRIED).count(),
            parent,
            wait: Duration::ZERO,
            states: line.states(),
            is_open: line.is_left_open(),
        });
        self.lines.insert(index, line);
        // The first stays, so that every other can be played again.
        if index > 0 {
            self.kept.push_back(index);
        }
        while self.lines.len() > LINES {
            let Some(oldest) = self.kept.pop_front() else { break };
            self.lines.remove(&oldest);
        }
    }

    /// The line of a state.
    fn line(&mut self, node: Index) -> Result<S, String> {
        let (mut at, mut ops) = (node, Vec::new());
        loop {
            if let Some(line) = self.lines.get(&at) {
                let mut line = line.clone();
                self.replayed += ops.len();
                ops.into_iter().rev().try_for_each(|op| line.apply(op))?;
                return Ok(line);
            }
            let Some((parent, op)) = self.nodes[at as usize].parent else {
                return Err("the first line was let go".to_owned());
            };
            ops.push(op);
            at = parent;
        }
    }

    /// Where an input leads, by its number; `None` where it cannot come.
    fn step(&mut self, from: Index, input: usize) -> Result<Option<Index>, String> {
        let next = self.next[from as usize * self.inputs.len() + input];
        match next == Next::UNTRIED {
            true => self.try_out(from, input).map(Some),
            false => Ok(next.node()),
        }
    }

    fn try_out(&mut self, from: Index, input: usize) -> Result<Index, String> {
        let op = self.inputs[input];
        let mut line = self.line(from)?;
        let before = line.now();
        self.steps += 1;
        line.apply(op).map_err(|what| self.told(from, op, &what))?;
        let fresh = self.nodes.len() as Index;
        let to = *self.index.entry(line.key()).or_insert(fresh);
        self.next[from as usize * self.inputs.len() + input] = Next(to);
        let node = &mut self.nodes[from as usize];
        if op == S::TIME {
            node.wait = line.now() - before;
        }
        node.left -= 1;
        if node.left == 0 && from > 0 {
            self.lines.remove(&from);
        }
        if to == fresh {
            self.push(line, Some((from, op)));
        }
        Ok(to)
    }

    /// All states that free inputs lead to, and in how many ways. An input that changes nothing is
    /// no order of its own.
    fn spread(&mut self, entries: &Ways, free: Range<usize>) -> Result<Ways, String> {
        let (mut found, mut degrees) = (Ways::default(), Vec::new());
        for (node, ways) in entries.iter() {
            let place = self.places.of(node, &mut found);
            found.ways[place] = found.ways[place].saturating_add(ways);
        }
        degrees.resize(found.nodes.len(), 0_u32);
        let mut at = 0;
        while let Some(node) = found.nodes.get(at).copied() {
            for input in free.clone() {
                if let Some(to) = self.step(node, input)?.filter(|to| *to != node) {
                    let place = self.places.of(to, &mut found);
                    degrees.resize(found.nodes.len(), 0);
                    degrees[place] += 1;
                }
            }
            at += 1;
        }
        let mut ready: Vec<usize> =
            (0..found.nodes.len()).filter(|place| degrees[*place] == 0).collect();
        let mut done = 0;
        while let Some(place) = ready.pop() {
            done += 1;
            let (node, here) = (found.nodes[place], found.ways[place]);
            for input in free.clone() {
                let Some(to) = self.step(node, input)?.filter(|to| *to != node) else { continue };
                let to = self.places.of(to, &mut found);
                found.ways[to] = found.ways[to].saturating_add(here);
                degrees[to] -= 1;
                if degrees[to] == 0 {
                    ready.push(to);
                }
            }
        }
        self.places.clear(&found);
        match done == found.nodes.len() {
            true => Ok(found),
            false => Err("time-outs lead in a circle".to_owned()),
        }
    }

    /// In every state: where nothing more happens but time, a call that is not established ends
    /// within what RFC 3261 gives it; and where no call is left, no INVITE is left without its final
    /// response.
    fn check_times(&mut self) -> Result<(), String> {
        let mut at = 0;
        while let Some(node) = self.nodes.get(at as usize) {
            if node.is_open {
                return Err(self.told(at, S::TIME, "an INVITE has no final response"));
            }
            for (call, state) in node.states.into_iter().enumerate() {
                if let Some(limit) = limit_of(state) {
                    self.check_end(at, call, limit)?;
                }
            }
            at += 1;
        }
        Ok(())
    }

    fn check_end(&mut self, from: Index, call: usize, limit: Duration) -> Result<(), String> {
        let (mut node, mut passed) = (from, Duration::ZERO);
        while limit_of(self.nodes[node as usize].states[call]).is_some() {
            let next = match self.step_by(node, S::TIME)? {
                Some(next) => {
                    passed += self.nodes[node as usize].wait;
                    Some(next)
                }
                None => self.step_by_first(node, S::DUE)?,
            };
            match next {
                Some(next) if passed <= limit => node = next,
                Some(_) => {
                    return Err(self.told(from, S::TIME, &format!("no end within {limit:?}")));
                }
                None => return Err(self.told(from, S::TIME, "nothing will end the call")),
            }
        }
        Ok(())
    }

    /// The first of these that can come.
    fn step_by_first(&mut self, from: Index, ops: &[S::Op]) -> Result<Option<Index>, String> {
        for op in ops {
            if let Some(next) = self.step_by(from, *op)? {
                return Ok(Some(next));
            }
        }
        Ok(None)
    }

    fn step_by(&mut self, from: Index, op: S::Op) -> Result<Option<Index>, String> {
        match self.inputs.iter().position(|input| *input == op) {
            Some(input) => self.step(from, input),
            None => Ok(None),
        }
    }

    /// What must not be, with the first order that leads there.
    fn told(&self, node: Index, op: S::Op, what: &str) -> String {
        let mut ops = vec![op];
        let mut at = node;
        while let Some((parent, op)) = self.nodes[at as usize].parent {
            ops.push(op);
            at = parent;
        }
        ops.reverse();
        format!("{what}\nafter {ops:?}")
    }
}

/// How long a call may be so where nothing more happens but time.
fn limit_of(state: Option<CallState>) -> Option<Duration> {
    let limit = match state {
        // Three minutes of ringing, then CANCEL and its 64*T1.
        Some(CallState::Dialing | CallState::Alerting) => 180 + 32,
        Some(CallState::Announced | CallState::Ringing | CallState::Answering) => 180,
        // 64*T1 for the ACK or the media, then as long for the BYE.
        Some(CallState::Answered | CallState::Ending) => 64,
        Some(CallState::Established) | None => return None,
    };
    Some(Duration::from_secs(limit))
}

#[cfg(test)]
mod tests {
    use super::super::{Line, Op};
    use super::*;

    const FREE: [Op; 5] = [Op::FlowUp, Op::Described, Op::Connected, Op::Agree, Op::Time];

    /// The orders from here on, one after the other and nothing merged.
    fn all_orders(line: &Line, limits: &[(Op, u64)]) -> u128 {
        let next = |op: Op| {
            let mut next = line.clone();
            next.apply(op).unwrap();
            next
        };
        let mut orders = 1;
        for op in FREE.into_iter().filter(|op| line.is_possible(*op)) {
            let next = next(op);
            if next.key() != line.key() {
                orders += all_orders(&next, limits);
            }
        }
        for (index, (op, left)) in limits.iter().enumerate() {
            if *left > 0 && line.is_possible(*op) {
                let mut limits = limits.to_vec();
                limits[index].1 -= 1;
                orders += all_orders(&next(*op), &limits);
            }
        }
        orders
    }

    #[test]
    fn merging_states_changes_no_number_of_orders() {
        use Op::{Accept, Ack, Answer, Bye, Cancel, Dial, FlowLost, HangUp, Hold, Invite, Ringing};
        let cases: [&[(Op, u64)]; 8] = [
            &[(Invite, 2), (Cancel, 1), (Ack, 1)],
            &[(Invite, 1), (Answer, 1), (Ack, 2), (Bye, 1)],
            &[(Invite, 1), (Answer, 1), (Ack, 1), (Hold, 1)],
            &[(Invite, 1), (Answer, 1), (Ack, 1), (FlowLost, 1)],
            &[(Invite, 1), (Answer, 1), (HangUp, 1), (FlowLost, 1)],
            &[(Invite, 1), (Answer, 1), (FlowLost, 2)],
            &[(Dial, 1), (Ringing, 1), (Accept, 1), (HangUp, 1)],
            &[(Dial, 1), (Accept, 2), (FlowLost, 1)],
        ];
        for limits in cases {
            let line = Line::new().unwrap();
            let explored = explore(line.clone(), limits, &FREE).unwrap();
            assert_eq!(explored.orders, all_orders(&line, limits), "{limits:?}");
            println!("{limits:?}: {explored:?}");
        }
    }
}
