//! What a STUN or TURN server gives, asked as a call asks it and without one, for `doctor`.
//!
//! RFC 8489 §2 (Binding), RFC 8656 §7 (Allocate), both over UDP.

use crate::IceServer;
use rtc::ice::url::{SchemeType, Url};
use rtc::sansio::Protocol as _;
use rtc::shared::{TaggedBytesMut, TransportContext, TransportProtocol};
use rtc::stun::error_code::ErrorCodeAttribute;
use rtc::stun::message::{Getter as _, Message};
use rtc::turn::client::{Client, ClientConfig, Event};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::{Duration, Instant};
use tokio::net::UdpSocket;
use tokio::task::JoinHandle;
use webrtc::peer_connection::crypto;

/// How long its name may take, and how long the server. A call waits less for either.
pub const LIMIT: Duration = Duration::from_secs(3);
/// The longest datagram of a server that is read.
const LONGEST: usize = 1500;

/// What a server has given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gathered {
    /// How this machine is seen from outside: a candidate `srflx`.
    Reflexive(SocketAddr),
    /// An address of the server at which it takes for this machine: a candidate `relay`. It is given back at once.
    Relayed(SocketAddr),
}

/// Why a server gives nothing, in words that say what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GatherError {
    /// Not an address of a server.
    #[error("it is no address of a server; write stun:host:port or turn:user:secret@host:port")]
    Address,
    /// DNS.
    #[error(
        "its name cannot be resolved; check the name, and that this machine has a working resolver"
    )]
    NameResolution,
    /// Nothing came.
    #[error("it has not answered within {} s; check that it runs, its port, and that UDP may leave this network", LIMIT.as_secs())]
    NoAnswer,
    /// 401 and 441 (RFC 8656 §7.2): not this user, or not with this secret.
    #[error(
        "it does not take this user and secret ({0}); check both, and that they have not expired"
    )]
    Credentials(u16),
    /// 486 and 508: no more for this user, or for anybody.
    #[error(
        "it has nothing left to give ({0}); ask its administrator for more, or try again later"
    )]
    Exhausted(u16),
    /// Another refusal.
    #[error("it refuses: {0}; ask its administrator")]
    Refused(String),
    /// This machine cannot ask.
    #[error("this machine cannot send to it: {0}; check its network")]
    Network(String),
}

/// Asks a server for what a call would take from it.
///
/// # Errors
/// [`GatherError`], where it gives nothing within [`LIMIT`].
pub async fn gather(server: &IceServer) -> Result<Gathered, GatherError> {
    let url = Url::parse_url(&server.url).map_err(|_| GatherError::Address)?;
    let looked_up = tokio::net::lookup_host((url.host.as_str(), url.port));
    let found = tokio::time::timeout(LIMIT, looked_up).await.ok().and_then(Result::ok);
    let to = found.and_then(|mut found| found.next()).ok_or(GatherError::NameResolution)?;
    let asked = ask(server, url.scheme, to);
    tokio::time::timeout(LIMIT, asked).await.unwrap_or(Err(GatherError::NoAnswer))
}

/// Asks several, all at once: the address of each, and what comes of it with the time that it took.
pub fn gather_each(servers: &[IceServer]) -> Vec<(String, JoinHandle<Answer>)> {
    let ask = |server: &IceServer| {
        let server = server.clone();
        let url = server.url.clone();
        let asking = tokio::spawn(async move {
            let began = Instant::now();
            (gather(&server).await, began.elapsed())
        });
        (url, asking)
    };
    servers.iter().map(ask).collect()
}

/// What a server has given, and when.
pub type Answer = (Result<Gathered, GatherError>, Duration);

async fn ask(
    server: &IceServer,
    scheme: SchemeType,
    to: SocketAddr,
) -> Result<Gathered, GatherError> {
    let failed = |error: &dyn std::fmt::Display| GatherError::Network(error.to_string());
    let any = match to {
        SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    let socket = UdpSocket::bind((any, 0)).await.map_err(|error| failed(&error))?;
    // By the route to the server, and so that an ICMP error is one here.
    socket.connect(to).await.map_err(|error| failed(&error))?;
    let local_addr = socket.local_addr().map_err(|error| failed(&error))?;
    let relays = scheme == SchemeType::Turn;
    let config = ClientConfig {
        stun_serv_addr: to.to_string(),
        turn_serv_addr: to.to_string(),
        local_addr,
        username: server.username.clone().unwrap_or_default(),
        password: server.credential.as_ref().map(|it| it.expose().to_owned()).unwrap_or_default(),
        ..ClientConfig::default()
    };
    let provider = crypto::default_provider().map_err(|error| failed(&error))?;
    let mut client = Client::new(config, provider).map_err(|error| failed(&error))?;
    let now = Instant::now();
    let began = if relays { client.allocate(now) } else { client.send_binding_request(now) };
    began.map_err(|error| failed(&error))?;
    let mut datagram = [0; LONGEST];
    let mut refusal = None;
    loop {
        send(&mut client, &socket).await?;
        while let Some(event) = client.poll_event() {
            match event {
                Event::BindingResponse(_, address) => return Ok(Gathered::Reflexive(address)),
                Event::AllocateResponse(_, address) => {
                    // What is not given back lies there for ten minutes. Nothing waits for the answer to that.
                    if let Ok(mut relay) = client.relay(address) {
                        let _ = relay.close(Instant::now());
                    }
                    let _ = send(&mut client, &socket).await;
                    return Ok(Gathered::Relayed(address));
                }
                Event::BindingError(_, error) | Event::AllocateError(_, error) => {
                    return Err(refusal.map_or(GatherError::Refused(error.to_string()), refused));
                }
                Event::TransactionTimeout(_) => return Err(GatherError::NoAnswer),
                Event::CreatePermissionResponse(..)
                | Event::CreatePermissionError(..)
                | Event::DataIndicationOrChannelData(..)
                | _ => {}
            }
        }
        let next = client.poll_timeout().unwrap_or_else(|| Instant::now() + LIMIT);
        tokio::select! {
            read = socket.recv(&mut datagram) => {
                let length = read.map_err(|error| unreachable(&error))?;
                let transport = TransportContext {
                    local_addr,
                    peer_addr: to,
                    transport_protocol: TransportProtocol::UDP,
                    ecn: None,
                };
                refusal = refusal_in(&datagram[..length]);
                let message = datagram[..length].into();
                // What is no answer is passed over.
                let _ = client.handle_read(TaggedBytesMut { now: Instant::now(), transport, message });
            }
            () = tokio::time::sleep_until(next.into()) => {
                client.handle_timeout(Instant::now()).map_err(|error| failed(&error))?;
            }
        }
    }
}

async fn send(client: &mut Client, socket: &UdpSocket) -> Result<(), GatherError> {
    while let Some(datagram) = client.poll_write() {
        socket.send(&datagram.message).await.map_err(|error| unreachable(&error))?;
    }
    Ok(())
}

/// ICMP says that nobody is at the port, which is no answer either.
fn unreachable(error: &std::io::Error) -> GatherError {
    if error.kind() == std::io::ErrorKind::ConnectionRefused {
        return GatherError::NoAnswer;
    }
    GatherError::Network(error.to_string())
}

/// The code in a response that is an error, and its words.
fn refusal_in(datagram: &[u8]) -> Option<ErrorCodeAttribute> {
    let mut message = Message::new();
    message.raw = datagram.to_vec();
    message.decode().ok()?;
    let mut refusal = ErrorCodeAttribute::default();
    refusal.get_from(&message).ok()?;
    Some(refusal)
}

fn refused(refusal: ErrorCodeAttribute) -> GatherError {
    match refusal.code.0 {
        code @ (401 | 441) => GatherError::Credentials(code),
        code @ (486 | 508) => GatherError::Exhausted(code),
        _ => GatherError::Refused(refusal.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtc::stun::attributes::{ATTR_NONCE, ATTR_REALM, ATTR_USERNAME};
    use rtc::stun::error_code::ErrorCode;
    use rtc::stun::message::{
        CLASS_ERROR_RESPONSE, CLASS_SUCCESS_RESPONSE, METHOD_BINDING, METHOD_REFRESH, MessageType,
        Setter,
    };
    use rtc::stun::textattrs::{Nonce, Realm, TextAttribute};
    use rtc::stun::xoraddr::XorMappedAddress;
    use rtc::turn::proto::lifetime::Lifetime;
    use rtc::turn::proto::relayaddr::RelayedAddress;
    use sidetone_phone::Secret;
    use tokio::sync::mpsc;

    const OUTSIDE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(198, 51, 100, 7)), 4000);

    /// A server on this machine that knows the user `agent`, and gives him this or refuses with that code; and
    /// whether what was given came back.
    async fn server(gives: Result<(), u16>) -> (SocketAddr, mpsc::Receiver<()>) {
        let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a socket");
        let at = socket.local_addr().expect("bound");
        let (tell, told) = mpsc::channel(1);
        tokio::spawn(async move {
            let mut datagram = [0; LONGEST];
            loop {
                let (length, from) = socket.recv_from(&mut datagram).await.expect("a request");
                let response = respond(&datagram[..length], gives, &tell);
                socket.send_to(&response, from).await.expect("sent");
            }
        });
        (at, told)
    }

    fn respond(datagram: &[u8], gives: Result<(), u16>, given_back: &mpsc::Sender<()>) -> Vec<u8> {
        let mut request = Message::new();
        request.raw = datagram.to_vec();
        request.decode().expect("STUN");
        let method = request.typ.method;
        let user = TextAttribute::get_from_as(&request, ATTR_USERNAME);
        let is_known = method == METHOD_BINDING || user.is_ok_and(|user| user.text == "agent");
        let error = if is_known { gives.err() } else { Some(401) };
        let class = if error.is_some() { CLASS_ERROR_RESPONSE } else { CLASS_SUCCESS_RESPONSE };
        let mut parts: Vec<Box<dyn Setter>> =
            vec![Box::new(request.transaction_id), Box::new(MessageType::new(method, class))];
        if let Some(code) = error {
            let reason = b"because".to_vec();
            parts.push(Box::new(ErrorCodeAttribute { code: ErrorCode(code), reason }));
            parts.push(Box::new(Nonce::new(ATTR_NONCE, "once".to_owned())));
            parts.push(Box::new(Realm::new(ATTR_REALM, "here".to_owned())));
        } else {
            let (ip, port) = (OUTSIDE.ip(), OUTSIDE.port());
            parts.push(Box::new(XorMappedAddress { ip, port }));
            parts.push(Box::new(RelayedAddress { ip, port }));
            parts.push(Box::new(Lifetime(Duration::from_secs(600))));
        }
        let mut lifetime = Lifetime(LIMIT);
        if method == METHOD_REFRESH && lifetime.get_from(&request).is_ok() && lifetime.0.is_zero() {
            let _ = given_back.try_send(());
        }
        let mut response = Message::new();
        response.build(&parts).expect("a response");
        response.raw
    }

    fn turn(at: SocketAddr, user: &str) -> IceServer {
        let (username, credential) = (Some(user.to_owned()), Some(Secret::new("secret")));
        IceServer { url: format!("turn:{at}?transport=udp"), username, credential }
    }

    fn stun(host: impl std::fmt::Display) -> IceServer {
        IceServer { url: format!("stun:{host}"), username: None, credential: None }
    }

    #[tokio::test]
    async fn a_stun_server_says_how_this_machine_is_seen_and_a_turn_server_what_it_relays() {
        let (at, _told) = server(Ok(())).await;
        assert_eq!(gather(&stun(at)).await, Ok(Gathered::Reflexive(OUTSIDE)));
        let (at, mut told) = server(Ok(())).await;
        assert_eq!(gather(&turn(at, "agent")).await, Ok(Gathered::Relayed(OUTSIDE)));
        told.recv().await.expect("it is given back");
    }

    #[tokio::test]
    async fn who_gives_nothing_says_why() {
        let (at, _told) = server(Ok(())).await;
        let stranger = gather(&turn(at, "nobody")).await;
        assert_eq!(stranger, Err(GatherError::Credentials(401)));
        for (code, error) in [
            (486, GatherError::Exhausted(486)),
            (403, GatherError::Refused("403: because".to_owned())),
        ] {
            let (at, _told) = server(Err(code)).await;
            assert_eq!(gather(&turn(at, "agent")).await, Err(error));
        }
        let (at, _told) = server(Err(500)).await;
        let error = GatherError::Refused("500: because".to_owned());
        assert_eq!(gather(&stun(at)).await, Err(error));
    }

    #[tokio::test]
    async fn who_is_not_there_is_no_answer_and_a_wrong_name_is_one() {
        let quiet = UdpSocket::bind("127.0.0.1:0").await.expect("a socket");
        let at = quiet.local_addr().expect("bound");
        let began = Instant::now();
        assert_eq!(gather(&stun(at)).await, Err(GatherError::NoAnswer));
        assert!(began.elapsed() < LIMIT + Duration::from_secs(1), "{:?}", began.elapsed());
        drop(quiet);
        assert_eq!(gather(&stun(at)).await, Err(GatherError::NoAnswer));
        let nobody = gather(&stun("nobody.invalid:3478")).await;
        assert_eq!(nobody, Err(GatherError::NameResolution));
        assert_eq!(gather(&stun("//")).await, Err(GatherError::Address));
    }
}
