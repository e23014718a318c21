//! A phone that goes from one network to another: two links of a namespace of its own, as Wi-Fi and mobile
//! data of a phone.

use crate::bench::Bench;
use crate::phone::Setup;
use std::io::Write as _;
use std::process::{Command, Stdio};

/// The two networks.
const LINKS: [&str; 2] = ["wlan0", "rmnet0"];

/// What can befall the network of a phone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing passes, either way, and nobody says so.
    Silence,
    /// All TCP is answered by a reset, also what is new; audio passes.
    Reset,
    /// No UDP passes: no audio, and SIP as ever.
    NoUdp,
    /// No UDP passes but to and from a STUN or TURN server's port.
    OnlyTurn,
    /// These TCP ports of the phone are dead without a word; new ones work, and audio passes.
    Dead(Vec<String>),
}

/// Where such a phone is.
#[derive(Debug)]
pub struct Roam {
    namespace: String,
    /// The third part of the address in each network.
    subnets: [usize; 2],
    /// The network in use.
    present: usize,
}

impl Roam {
    /// The place of this number, 1 to 8, on its first network.
    ///
    /// # Panics
    /// Where the bench is not up.
    pub fn new(number: usize) -> Self {
        let names = std::env::var("SIDETONE_BENCH_ROAM").expect("the bench is up");
        let namespace = names.split(' ').nth(number - 1).expect("there are eight").to_owned();
        let first = 10 + 2 * number;
        let roam = Self { namespace, subnets: [first, first + 1], present: 0 };
        roam.run(&[roam.down(0), roam.down(1), roam.up(0)].concat());
        roam
    }

    /// How a phone of this user is started here.
    pub fn setup(&self, bench: &Bench, user: &str) -> Setup {
        Setup { namespace: Some(self.namespace.clone()), ..bench.setup(user) }
    }

    /// The network in use is gone.
    pub fn lose(&mut self) {
        self.run(&self.down(self.present));
    }

    /// The other network is there, and is the one to use.
    pub fn come(&mut self) {
        self.present = 1 - self.present;
        self.run(&self.up(self.present));
    }

    /// The network that was in use before is gone.
    pub fn lose_other(&self) {
        self.run(&self.down(1 - self.present));
    }

    /// A trouble begins.
    pub fn begin(&self, trouble: &Trouble) {
        self.rules("-I", trouble);
    }

    /// And ends.
    pub fn end(&self, trouble: &Trouble) {
        self.rules("-D", trouble);
    }

    /// The local TCP ports of a process here.
    pub fn ports(&self, process: u32) -> Vec<String> {
        ports(&self.namespace, process)
    }

    /// Packets are dropped where they arrive, at both ends: dropped where they leave, the sender is told.
    fn rules(&self, how: &str, trouble: &Trouble) {
        let server = std::env::var("SIDETONE_BENCH_PBX").expect("the bench is up");
        let from_here = format!("to-{}", self.subnets[self.present]);
        let rule = |namespace: &str, what: &[&str]| {
            let status = Command::new("ip")
                .args(["netns", "exec", namespace, "iptables", "-w", how, "INPUT"])
                .args(what)
                .status();
            assert!(status.is_ok_and(|status| status.success()), "iptables {how} {what:?}");
        };
        match trouble {
            Trouble::Silence => {
                rule(&self.namespace, &["!", "-i", "lo", "-j", "DROP"]);
                rule(&server, &["-i", &from_here, "-j", "DROP"]);
            }
            Trouble::NoUdp => {
                rule(&self.namespace, &["-p", "udp", "-j", "DROP"]);
                rule(&server, &["-i", &from_here, "-p", "udp", "-j", "DROP"]);
            }
            Trouble::OnlyTurn => {
                let but = |side: &'static str| ["-p", "udp", "!", side, "3478", "-j", "DROP"];
                rule(&self.namespace, &but("--sport"));
                rule(&server, &[&["-i", &from_here][..], &but("--dport")].concat());
            }
            Trouble::Reset => {
                let reset = ["-p", "tcp", "-j", "REJECT", "--reject-with", "tcp-reset"];
                rule(&server, &[&["-i", &from_here][..], &reset].concat());
            }
            Trouble::Dead(ports) => {
                for port in ports {
                    rule(&self.namespace, &["-p", "tcp", "--dport", port, "-j", "DROP"]);
                    rule(&server, &["-i", &from_here, "-p", "tcp", "--sport", port, "-j", "DROP"]);
                }
            }
        }
    }

    /// What is in use first gets the better metric, and each address leaves by its own link, as on a phone.
    fn up(&self, link: usize) -> Vec<String> {
        let (name, subnet) = (LINKS[link], self.subnets[link]);
        let other = LINKS[1 - link];
        let gateway = format!("198.18.{subnet}.1");
        vec![
            format!("link set {name} up"),
            format!("addr replace 198.18.{subnet}.10/24 dev {name}"),
            format!("route del default dev {other} metric 100"),
            format!(
                "route replace default via 198.18.{}.1 dev {other} metric 200",
                self.subnets[1 - link]
            ),
            format!("route replace default via {gateway} dev {name} metric 100"),
            format!("rule del from 198.18.{subnet}.10"),
            format!("rule add from 198.18.{subnet}.10 lookup {subnet}"),
            format!("route replace default via {gateway} dev {name} table {subnet}"),
        ]
    }

    fn down(&self, link: usize) -> Vec<String> {
        let name = LINKS[link];
        vec![format!("addr flush dev {name}"), format!("link set {name} down")]
    }

    /// All in one go, as near to one moment as can be; what is so already is no failure.
    fn run(&self, lines: &[String]) {
        let mut ip = Command::new("ip")
            .args(["-n", &self.namespace, "-force", "-batch", "-"])
            .stdin(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("ip runs");
        let text = lines.join("\n") + "\n";
        ip.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("ip reads");
        ip.wait().expect("ip ends");
    }
}

/// The local TCP ports of a process in a namespace.
pub fn ports(namespace: &str, process: u32) -> Vec<String> {
    let list = Command::new("ip")
        .args(["netns", "exec", namespace, "ss", "-Htnp", "state", "established"])
        .output()
        .expect("ss runs");
    let mark = format!("pid={process},");
    String::from_utf8_lossy(&list.stdout)
        .lines()
        .filter(|line| line.contains(&mark))
        .filter_map(|line| line.split_whitespace().nth(2)?.rsplit(':').next().map(str::to_owned))
        .collect()
}
