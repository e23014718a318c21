//! Which local addresses become host candidates: few, the best first (RFC 8421 §4).
//!
//! Every pair of candidates is pinged at each check, so a dozen bridges and containers would cost
//! packets and time and find nothing.

use rtc::shared::ifaces::ifaces;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs, UdpSocket};

const MAX_ADDRESSES: usize = 4;

/// The addresses to bind. The WebRTC stack asks again at each ICE restart, and so follows a change
/// of network.
#[derive(Debug, Clone)]
pub(super) struct LocalAddresses {
    /// Only these; empty: those of the host.
    pub(super) only: Vec<IpAddr>,
}

impl ToSocketAddrs for LocalAddresses {
    type Iter = std::vec::IntoIter<SocketAddr>;

    fn to_socket_addrs(&self) -> io::Result<Self::Iter> {
        let addresses = if self.only.is_empty() { of_the_host() } else { self.only.clone() };
        let any_port = addresses.into_iter().map(|ip| SocketAddr::new(ip, 0));
        Ok(any_port.collect::<Vec<_>>().into_iter())
    }
}

fn of_the_host() -> Vec<IpAddr> {
    // Documentation addresses (RFC 5737, RFC 3849): connecting a UDP socket sends nothing and tells
    // which local address the default route has.
    let default_routes = ["203.0.113.1:9", "[2001:db8::1]:9"].into_iter().filter_map(source_of);
    let others = ifaces().unwrap_or_default().into_iter().filter_map(|i| Some(i.addr?.ip()));
    choose(default_routes.chain(others))
}

fn choose(found: impl Iterator<Item = IpAddr>) -> Vec<IpAddr> {
    let chosen = reachable(found);
    // Without any network a server on this very machine is still there.
    if chosen.is_empty() { vec![Ipv4Addr::LOCALHOST.into()] } else { chosen }
}

fn source_of(destination: &str) -> Option<IpAddr> {
    let destination: SocketAddr = destination.parse().ok()?;
    let any = if destination.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let socket = UdpSocket::bind(any).ok()?;
    socket.connect(destination).ok()?;
    Some(socket.local_addr().ok()?.ip())
}

fn reachable(found: impl Iterator<Item = IpAddr>) -> Vec<IpAddr> {
    let mut chosen = Vec::new();
    for ip in found {
        if chosen.len() < MAX_ADDRESSES && is_usable(ip) && !chosen.contains(&ip) {
            chosen.push(ip);
        }
    }
    chosen
}

/// Whether another host can reach it: not loopback, and not link-local, whose scope does not survive
/// in a candidate.
fn is_usable(ip: IpAddr) -> bool {
    let link_local = match ip {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    };
    !(ip.is_loopback() || ip.is_unspecified() || link_local)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_reachable_addresses_are_chosen_and_none_twice() {
        let found = [
            "192.0.2.1",
            "127.0.0.1",
            "::1",
            "192.0.2.1",
            "fe80::1",
            "169.254.1.1",
            "10.0.0.1",
            "10.0.0.2",
            "2001:db8::2",
            "10.0.0.3",
        ];
        let chosen = choose(found.into_iter().map(|a| a.parse().unwrap()));
        let expected: Vec<IpAddr> = ["192.0.2.1", "10.0.0.1", "10.0.0.2", "2001:db8::2"]
            .into_iter()
            .map(|a| a.parse().unwrap())
            .collect();
        assert_eq!(chosen, expected);
    }

    #[test]
    fn a_machine_without_a_network_reaches_itself() {
        let found = ["127.0.0.1", "::1", "fe80::1"].map(|a| a.parse().unwrap());
        assert_eq!(choose(found.into_iter()), [IpAddr::from(Ipv4Addr::LOCALHOST)]);
    }
}
