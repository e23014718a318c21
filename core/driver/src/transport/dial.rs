//! From a host name to a TCP connection: the first address that answers wins.
//!
//! RFC 8305: families alternate, and an address that is silent delays the next by a quarter second
//! only (§5).

use super::{Reporter, error};
use crate::Milestone;
use sidetone_phone::{FlowError, FlowErrorKind, ServerAddress};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// RFC 8305 §5, the connection attempt delay.
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);
/// A resolver that says nothing is a failure of its own, told before the whole attempt is over.
const RESOLVE_LIMIT: Duration = Duration::from_secs(8);
/// As many questions may be open at the system's resolver.
static LOOKUPS: Semaphore = Semaphore::const_new(8);
/// More addresses of one name than this are not tried.
const MAX_ADDRESSES: usize = 8;

/// Resolves and connects. The caller bounds the time.
pub(super) async fn dial(
    server: &ServerAddress,
    reporter: &Reporter,
) -> Result<TcpStream, FlowError> {
    let addresses = resolve(server).await?;
    reporter.milestone(Milestone::Resolved(addresses.iter().map(SocketAddr::ip).collect())).await;
    let stream = connect(addresses).await?;
    // SIP messages are small and wait for their answers.
    stream.set_nodelay(true).map_err(|e| error(FlowErrorKind::Unreachable, e))?;
    let remote = stream.peer_addr().map_err(|e| error(FlowErrorKind::Unreachable, e))?;
    reporter.milestone(Milestone::TcpConnected(remote)).await;
    Ok(stream)
}

/// The host without the brackets of an IPv6 literal.
pub(super) fn bare_host(server: &ServerAddress) -> &str {
    server.host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(&server.host)
}

async fn resolve(server: &ServerAddress) -> Result<Vec<SocketAddr>, FlowError> {
    let host = bare_host(server);
    if let Ok(ip) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(ip, server.port)]);
    }
    let found = timeout(RESOLVE_LIMIT, look_up(host.to_owned(), server.port))
        .await
        .map_err(|_| error(FlowErrorKind::NameResolution, format!("{host}: no answer")))?
        .map_err(|e| error(FlowErrorKind::NameResolution, format!("{host}: {e}")))?;
    let addresses = alternate(found);
    if addresses.is_empty() {
        return Err(error(FlowErrorKind::NameResolution, format!("{host} has no address")));
    }
    Ok(addresses)
}

/// Asks the system, which holds a thread until it has an answer, wanted or not: where the name server is
/// silent, further questions wait, so that there are threads left for others.
async fn look_up(host: String, port: u16) -> io::Result<Vec<SocketAddr>> {
    let asking = LOOKUPS.acquire().await.map_err(io::Error::other)?;
    let answer = tokio::spawn(async move {
        let found = tokio::net::lookup_host((host, port)).await.map(Iterator::collect);
        drop(asking);
        found
    });
    answer.await.map_err(io::Error::other)?
}

/// RFC 8305 §4: the resolver's order, with the families taking turns.
fn alternate(found: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_v6 = found.first().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|a| a.is_ipv6() == first_is_v6);
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    let mut mixed = Vec::new();
    loop {
        let pair = [first.next(), second.next()];
        if pair == [None, None] || mixed.len() >= MAX_ADDRESSES {
            return mixed;
        }
        mixed.extend(pair.into_iter().flatten());
    }
}

async fn connect(addresses: Vec<SocketAddr>) -> Result<TcpStream, FlowError> {
    let mut waiting = addresses.into_iter();
    let mut attempts = JoinSet::new();
    let mut failure = None;
    loop {
        if let Some(address) = waiting.next() {
            attempts.spawn(async move {
                TcpStream::connect(address).await.map_err(|e| format!("{address}: {e}"))
            });
        } else if attempts.is_empty() {
            let detail = failure.unwrap_or_else(|| "no address".to_owned());
            return Err(error(FlowErrorKind::Unreachable, detail));
        }
        let more = waiting.len() > 0;
        tokio::select! {
            biased;
            Some(done) = attempts.join_next() => match done {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(detail)) => failure = Some(detail),
                Err(join) => failure = Some(join.to_string()),
            },
            () = tokio::time::sleep(ATTEMPT_DELAY), if more => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::alternate;

    #[test]
    fn the_families_of_a_name_take_turns() {
        let parse = |list: &[&str]| list.iter().map(|a| a.parse().unwrap()).collect::<Vec<_>>();
        let found = parse(&["[2001:db8::1]:1", "[2001:db8::2]:1", "192.0.2.1:1", "192.0.2.2:1"]);
        let expected = parse(&["[2001:db8::1]:1", "192.0.2.1:1", "[2001:db8::2]:1", "192.0.2.2:1"]);
        assert_eq!(alternate(found), expected);
    }
}
