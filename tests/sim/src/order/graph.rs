//! The graph of all states, and the orders counted on it.
//!
//! A *state* is a [`Line`] up to what [`Line::key`] merges; each input is tried once in each state
//! that an order reaches. A *position* is a state together with how often each limited input has
//! come. Positions are walked group by group, a group being all of the same counts, so that only the
//! states are kept.

use super::{Line, Op};
use sidetone_phone::CallState;
use std::collections::BTreeMap;
use std::time::Duration;

/// What was explored.
#[derive(Debug, Default)]
pub struct Explored {
    /// States of the phone and its other side that differ.
    pub states: usize,
    /// Inputs that were tried in them.
    pub steps: usize,
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
pub fn explore(start: Line, limits: &[(Op, u64)], free: &[Op]) -> Result<Explored, String> {
    let mut graph = Graph::new(start);
    let mut explored = Explored::default();
    let mut groups: BTreeMap<(u64, Counts), BTreeMap<usize, u128>> = BTreeMap::new();
    groups.insert((0, 0), BTreeMap::from([(0, 1)]));
    while let Some(((sum, counts), entries)) = groups.pop_first() {
        let ways = graph.spread(entries, free)?;
        explored.positions += ways.len() as u64;
        for (index, (op, limit)) in limits.iter().enumerate() {
            let shift = index * 2;
            if (counts >> shift) & 3 >= *limit {
                continue;
            }
            let group = groups.entry((sum + 1, counts + (1 << shift))).or_default();
            for (node, ways) in &ways {
                if let Some(to) = graph.step(*node, *op)? {
                    let there = group.entry(to).or_default();
                    *there = there.saturating_add(*ways);
                }
            }
        }
        for ways in ways.values() {
            explored.orders = explored.orders.saturating_add(*ways);
        }
    }
    graph.check_times()?;
    explored.states = graph.nodes.len();
    explored.steps = graph.steps;
    Ok(explored)
}

/// One state.
struct Node {
    line: Line,
    /// Where each input leads: not tried, impossible, or there.
    next: [Option<Option<usize>>; Op::COUNT],
    /// How long [`Op::Time`] takes from here.
    wait: Duration,
    /// How it was reached first.
    parent: Option<(usize, Op)>,
}

struct Graph {
    nodes: Vec<Node>,
    index: BTreeMap<String, usize>,
    steps: usize,
}

impl Graph {
    fn new(start: Line) -> Self {
        let index = BTreeMap::from([(start.key(), 0)]);
        let node =
            Node { line: start, next: [None; Op::COUNT], wait: Duration::ZERO, parent: None };
        Self { nodes: vec![node], index, steps: 0 }
    }

    /// Where an input leads; `None` where it cannot come.
    fn step(&mut self, from: usize, op: Op) -> Result<Option<usize>, String> {
        if let Some(known) = self.nodes[from].next[op as usize] {
            return Ok(known);
        }
        let mut to = None;
        if self.nodes[from].line.is_possible(op) {
            let mut line = self.nodes[from].line.clone();
            let before = line.now();
            self.steps += 1;
            line.apply(op).map_err(|what| self.told(from, op, &what))?;
            if op == Op::Time {
                self.nodes[from].wait = line.now() - before;
            }
            let fresh = self.nodes.len();
            let found = *self.index.entry(line.key()).or_insert(fresh);
            if found == fresh {
                let parent = Some((from, op));
                let (next, wait) = ([None; Op::COUNT], Duration::ZERO);
                self.nodes.push(Node { line, next, wait, parent });
            }
            to = Some(found);
        }
        self.nodes[from].next[op as usize] = Some(to);
        Ok(to)
    }

    /// All states that free inputs lead to, and in how many ways. An input that changes nothing is
    /// no order of its own.
    fn spread(
        &mut self,
        entries: BTreeMap<usize, u128>,
        free: &[Op],
    ) -> Result<BTreeMap<usize, u128>, String> {
        let mut degrees: BTreeMap<usize, usize> = entries.keys().map(|node| (*node, 0)).collect();
        let mut found: Vec<usize> = entries.keys().copied().collect();
        let mut edges: Vec<(usize, usize)> = Vec::new();
        while let Some(node) = found.pop() {
            for op in free {
                let Some(to) = self.step(node, *op)?.filter(|to| *to != node) else { continue };
                edges.push((node, to));
                let degree = degrees.entry(to).or_insert_with(|| {
                    found.push(to);
                    0
                });
                *degree += 1;
            }
        }
        edges.sort_unstable();
        let mut ways = entries;
        let mut ready: Vec<usize> =
            degrees.iter().filter(|(_, degree)| **degree == 0).map(|(node, _)| *node).collect();
        let mut done = 0;
        while let Some(node) = ready.pop() {
            done += 1;
            let here = *ways.entry(node).or_default();
            let first = edges.partition_point(|(from, _)| *from < node);
            for (_, to) in edges[first..].iter().take_while(|(from, _)| *from == node) {
                let there = ways.entry(*to).or_default();
                *there = there.saturating_add(here);
                if let Some(degree) = degrees.get_mut(to) {
                    *degree -= 1;
                    if *degree == 0 {
                        ready.push(*to);
                    }
                }
            }
        }
        match done == degrees.len() {
            true => Ok(ways),
            false => Err("time-outs lead in a circle".to_owned()),
        }
    }

    /// In every state: where nothing more happens but time, a call that is not established ends
    /// within what RFC 3261 gives it; and where no call is left, no INVITE is left without its final
    /// response.
    fn check_times(&mut self) -> Result<(), String> {
        let mut at = 0;
        while at < self.nodes.len() {
            let line = &self.nodes[at].line;
            if !line.is_live() && line.open_invites() > 0 {
                return Err(self.told(at, Op::Time, "an INVITE has no final response"));
            }
            let limit = match line.state() {
                // Three minutes of ringing, then CANCEL and its 64*T1.
                Some(CallState::Dialing | CallState::Alerting) => Some(180 + 32),
                Some(CallState::Ringing | CallState::Answering) => Some(180),
                // 64*T1 for the ACK or the media, then as long for the BYE.
                Some(CallState::Answered | CallState::Ending) => Some(64),
                Some(CallState::Established) | None => None,
            };
            if let Some(limit) = limit.map(Duration::from_secs) {
                self.check_end(at, limit)?;
            }
            at += 1;
        }
        Ok(())
    }

    fn check_end(&mut self, from: usize, limit: Duration) -> Result<(), String> {
        let (mut node, mut passed) = (from, Duration::ZERO);
        while !matches!(self.nodes[node].line.state(), None | Some(CallState::Established)) {
            // A connection that is asked for comes about: that is the driver's part.
            let next = match self.step(node, Op::Time)? {
                Some(next) => {
                    passed += self.nodes[node].wait;
                    Some(next)
                }
                None => self.step(node, Op::FlowUp)?,
            };
            match next {
                Some(next) if passed <= limit => node = next,
                Some(_) => {
                    return Err(self.told(from, Op::Time, &format!("no end within {limit:?}")));
                }
                None => return Err(self.told(from, Op::Time, "nothing will end the call")),
            }
        }
        Ok(())
    }

    /// What must not be, with the first order that leads there.
    fn told(&self, node: usize, op: Op, what: &str) -> String {
        let mut ops = vec![op];
        let mut at = node;
        while let Some((parent, op)) = self.nodes[at].parent {
            ops.push(op);
            at = parent;
        }
        ops.reverse();
        format!("{what}\nafter {ops:?}")
    }
}
