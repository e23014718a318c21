//! The names of STUN and TURN servers: all are looked up at once, and what is not found in time is done without.
//!
//! The stack looks them up one after the other, and gives no candidate, not even the host's, before the last of them
//! was answered: a call would be offered without any where a resolver does not answer.

use crate::IceServer;
use rtc::ice::url::Url;
use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// How long a description waits for names, all together. It waits for the servers after that.
const LIMIT: Duration = Duration::from_millis(800);

type Lookup = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;
/// Nothing before it is answered; none where that was an error.
type Answer = watch::Receiver<Option<Vec<SocketAddr>>>;

/// Those of one peer connection.
pub(super) struct Names {
    servers: Vec<String>,
    lookup: fn(String) -> Lookup,
    pass: Mutex<Pass>,
}

/// What is asked for one description.
#[derive(Default)]
struct Pass {
    until: Option<Instant>,
    answers: HashMap<String, Answer>,
}

impl Names {
    pub(super) fn of(servers: &[IceServer]) -> Self {
        Self::with(servers, |host| {
            Box::pin(async { tokio::net::lookup_host(host).await.map(Iterator::collect) })
        })
    }

    fn with(servers: &[IceServer], lookup: fn(String) -> Lookup) -> Self {
        let urls = servers.iter().filter_map(|server| Url::parse_url(&server.url).ok());
        // As the stack asks for them.
        let servers = urls.map(|url| format!("{}:{}", url.host, url.port)).collect();
        Self { servers, lookup, pass: Mutex::default() }
    }

    /// The addresses of a server.
    pub(super) async fn resolve(&self, host: &str) -> io::Result<Vec<SocketAddr>> {
        let (mut answer, until) = self.asked(host);
        let answered = answer.wait_for(Option::is_some);
        let found = tokio::time::timeout_at(until.into(), answered).await;
        let found = found.ok().and_then(Result::ok).and_then(|found| found.clone());
        found.filter(|found| !found.is_empty()).ok_or(io::ErrorKind::TimedOut.into())
    }

    /// The first to be asked for begins a pass, in which all are looked up.
    fn asked(&self, host: &str) -> (Answer, Instant) {
        let mut pass = self.pass.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        // Another description is made: what was not found may be by now.
        if pass.until.is_none_or(|until| now > until + LIMIT) {
            *pass = Pass { until: Some(now + LIMIT), answers: HashMap::new() };
            for server in &self.servers {
                pass.answers.insert(server.clone(), self.ask(server));
            }
        }
        let answer = pass.answers.entry(host.to_owned()).or_insert_with(|| self.ask(host));
        (answer.clone(), pass.until.unwrap_or(now))
    }

    fn ask(&self, host: &str) -> Answer {
        let (tell, answer) = watch::channel(None);
        let asking = (self.lookup)(host.to_owned());
        tokio::spawn(async move {
            let _ = tell.send(Some(asking.await.unwrap_or_default()));
        });
        answer
    }
}

impl Default for Names {
    fn default() -> Self {
        Self::of(&[])
    }
}

impl std::fmt::Debug for Names {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Names").field("servers", &self.servers).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{IpAddr, Ipv4Addr};

    const HERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 3478);

    /// `slow` is never answered, `none` with an error, others after a while.
    fn names() -> Names {
        let server =
            |url: &str| IceServer { url: url.to_owned(), username: None, credential: None };
        let servers = ["turn:slow", "stun:none", "stun:late"].map(server);
        Names::with(&servers, |host| {
            Box::pin(async move {
                match host.as_str() {
                    "slow:3478" => std::future::pending().await,
                    "none:3478" => Err(io::ErrorKind::NotFound.into()),
                    _ => {
                        tokio::time::sleep(LIMIT / 4).await;
                        Ok(vec![HERE])
                    }
                }
            })
        })
    }

    #[tokio::test]
    async fn one_that_is_not_answered_holds_up_no_other_and_all_but_for_so_long() {
        let names = names();
        let began = Instant::now();
        for _ in 0..3 {
            assert!(names.resolve("slow:3478").await.is_err());
        }
        assert!(names.resolve("none:3478").await.is_err());
        assert_eq!(names.resolve("late:3478").await.ok(), Some(vec![HERE]));
        let took = began.elapsed();
        assert!(took >= LIMIT && took < LIMIT * 3 / 2, "{took:?}");
    }

    #[tokio::test]
    async fn what_is_answered_is_not_waited_for_longer() {
        let names = names();
        let began = Instant::now();
        assert!(names.resolve("none:3478").await.is_err());
        assert!(began.elapsed() < LIMIT / 4, "{:?}", began.elapsed());
        assert_eq!(names.resolve("late:3478").await.ok(), Some(vec![HERE]));
        assert!(began.elapsed() < LIMIT, "{:?}", began.elapsed());
    }
}
