//! What a REFER asks for, checked: one address at home, and what may go along with it
//! (RFC 3515 §2.4.2, RFC 3891 §4, RFC 3892 §3, RFC 4488 §4, RFC 7614 §4).

use crate::Account;
use crate::replaces::Replaces;
use crate::text::{SHOWN, clip};
use sidetone_sip::message::Scheme;
use sidetone_sip::{HeaderName, NameAddr, Request, StatusCode, Uri};

/// The most bytes of Refer-To, of Referred-By and of what Replaces says: each goes into a request of ours.
const LONGEST: usize = 1024;

/// What a REFER asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refer {
    /// Whom to call.
    pub(crate) to: Uri,
    /// Whom the new call takes the place of, there.
    pub(crate) replaces: Option<String>,
    /// Who says so, for whom is called.
    pub(crate) referred_by: Option<String>,
    /// Whether it is to be told how it goes.
    pub(crate) subscribes: bool,
}

impl Refer {
    /// Reads a REFER to a phone with this account.
    ///
    /// # Errors
    /// 400: it cannot be read or shown, or says twice what may be said once. 403: it leads to another method, another
    /// domain, or nobody.
    pub(crate) fn of(refer: &Request, account: &Account) -> Result<Self, StatusCode> {
        let mut uri =
            one_address(refer, &HeaderName::REFER_TO)?.ok_or(StatusCode::BAD_REQUEST)?.uri;
        let is_invite =
            uri.params.get("method").is_none_or(|method| method.eq_ignore_ascii_case("INVITE"));
        if !is_invite || !is_at_home(&uri, account) {
            return Err(StatusCode::FORBIDDEN);
        }
        let replaces = replaces_of(&uri)?;
        let referred_by = one_address(refer, &HeaderName::REFERRED_BY)?.map(|mut address| {
            // It names a part of the body that proves it, which does not go along (RFC 3892 §4).
            address.params.remove("cid");
            address.to_string()
        });
        uri.headers = None;
        uri.params.remove("method");
        // It is shown and kept like what a caller says, and dialled: so it is refused, not shortened.
        let shown = uri.to_string();
        if clip(&shown, SHOWN) != shown {
            return Err(StatusCode::BAD_REQUEST);
        }
        let wants_news = match &refer.headers.list(&HeaderName::REFER_SUB)[..] {
            [] => true,
            [wish] => {
                let wish = wish.split(';').next().unwrap_or_default().trim();
                !wish.eq_ignore_ascii_case("false")
            }
            [..] => return Err(StatusCode::BAD_REQUEST),
        };
        let subscribes = wants_news && !refer.headers.has_token(&HeaderName::REQUIRE, "nosub");
        Ok(Self { to: uri, replaces, referred_by, subscribes })
    }
}

/// Whether this is an address of somebody in the account's own domain, where nothing leads out of it.
pub(crate) fn is_at_home(uri: &Uri, account: &Account) -> bool {
    let home = &account.aor;
    matches!(uri.scheme, Scheme::Sip | Scheme::Sips)
        && uri.user.as_deref().is_some_and(|user| !user.is_empty())
        && uri.host.is_some()
        && uri.host == home.host
        && (uri.port.is_none() || uri.port == home.port)
        // RFC 3261 §19.1.1: where it is sent, whatever the host says.
        && !uri.params.has("maddr")
}

/// The address in a header field that stands there once at most.
fn one_address(refer: &Request, name: &HeaderName) -> Result<Option<NameAddr>, StatusCode> {
    match &refer.headers.list(name)[..] {
        [] => Ok(None),
        [field] if field.len() <= LONGEST => {
            NameAddr::parse(field).map(Some).map_err(|_| StatusCode::BAD_REQUEST)
        }
        [..] => Err(StatusCode::BAD_REQUEST),
    }
}

/// What the headers component says of Replaces; escapes are undone in it, so that it may hold anything.
fn replaces_of(uri: &Uri) -> Result<Option<String>, StatusCode> {
    let fields = uri.headers.as_deref().unwrap_or_default().split('&');
    let is_it = |field: &&str| {
        let name = field.split('=').next().unwrap_or_default();
        name.eq_ignore_ascii_case(HeaderName::REPLACES.as_str())
    };
    match (fields.filter(is_it).count(), uri.header(HeaderName::REPLACES.as_str())) {
        (0, _) => Ok(None),
        (1, Some(value)) => {
            let is_plain = value.bytes().all(|byte| byte.is_ascii_graphic());
            let can_be_read = is_plain && Replaces::parse(&value).is_some();
            can_be_read.then_some(Some(value)).ok_or(StatusCode::BAD_REQUEST)
        }
        _ => Err(StatusCode::BAD_REQUEST),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Secret;
    use sidetone_sip::Method;

    fn read(fields: &[(&str, &str)]) -> Result<Refer, u16> {
        let account = Account::new("sip:agent1@pbx.example", Secret::new("x")).unwrap();
        let mut refer = Request::new(Method::Refer, Uri::parse("sip:a@b").unwrap());
        for (name, value) in fields {
            refer.headers.push(HeaderName::new(name), *value);
        }
        Refer::of(&refer, &account).map_err(|status| status.code())
    }

    fn to(refer_to: &str) -> Result<String, u16> {
        read(&[("Refer-To", refer_to)]).map(|refer| refer.to.to_string())
    }

    #[test]
    fn rfc_3515_2_1_one_address_is_taken_in_each_form() {
        let wanted = Ok("sip:600@pbx.example".to_owned());
        for text in [
            "sip:600@pbx.example",
            "<sip:600@pbx.example>",
            "\"Echo\" <sip:600@PBX.example;method=INVITE>",
            "<sip:600@pbx.example;method=invite>;x=y",
            "<sip:600@pbx.example?Subject=x&Route=%3Csip:evil.example%3E>",
        ] {
            assert_eq!(to(text), wanted, "{text}");
        }
        assert_eq!(to("<sips:600@pbx.example>"), Ok("sips:600@pbx.example".to_owned()));
        let number = "sip:+39055@pbx.example;user=phone";
        assert_eq!(to(&format!("<{number}>")), Ok(number.to_owned()));
        assert_eq!(read(&[("r", "sip:600@pbx.example")]).map(|r| r.subscribes), Ok(true));
    }

    #[test]
    fn no_address_leads_out_of_the_domain() {
        for text in [
            "<sip:600@other.example>",
            "<sip:600@pbx.example.other.example>",
            "<sip:pbx.example@other.example>",
            "<sip:600@pbx.example:5070>",
            "<sip:600@pbx.example;maddr=192.0.2.66>",
            "<sip:600@192.0.2.1>",
            "<sip:pbx.example>",
            "<tel:+39055>",
            "<http://pbx.example/600>",
            "<mailto:600@pbx.example>",
            "<sip:600@pbx.example;method=BYE>",
            "<sip:600@pbx.example;method=SUBSCRIBE>",
        ] {
            assert_eq!(to(text), Err(403), "{text}");
        }
    }

    #[test]
    fn rfc_3515_2_4_2_what_cannot_be_read_is_a_bad_request() {
        assert_eq!(read(&[]), Err(400));
        assert_eq!(
            to(&format!("<sip:{}@pbx.example>", "6".repeat(300))),
            Err(400),
            "too long to be shown"
        );
        assert_eq!(to("<sip:6\u{202e}00@pbx.example>"), Err(400), "it reads from the other side");
        let two = ("Refer-To", "sip:600@pbx.example");
        assert_eq!(read(&[two, two]), Err(400));
        let long = format!("<sip:{}@pbx.example>", "6".repeat(10_000));
        for text in ["", "<>", "600", "<sip:>", "<sip:600@pbx.example", "sip:@", &long] {
            assert_eq!(to(text), Err(400), "{text}");
        }
        assert_eq!(to("<sip:600@pbx.example>, <sip:601@pbx.example>"), Err(400));
        let by = ("Referred-By", "<sip:a@pbx.example>");
        assert_eq!(read(&[two, by, by]), Err(400));
        assert_eq!(read(&[two, ("Referred-By", "nonsense <")]), Err(400));
        let wish = ("Refer-Sub", "false");
        assert_eq!(read(&[two, wish, wish]), Err(400));
    }

    #[test]
    fn rfc_3891_replaces_goes_along_and_brings_nothing_with_it() {
        let with = |headers: &str| {
            read(&[("Refer-To", &format!("<sip:600@pbx.example?{headers}>"))])
                .map(|refer| refer.replaces)
        };
        let named = "7%40host%3Bto-tag%3Da%3Bfrom-tag%3Db";
        let plain = Ok(Some("7@host;to-tag=a;from-tag=b".to_owned()));
        assert_eq!(with(&format!("Replaces={named}")), plain);
        assert_eq!(with(&format!("Subject=x&replaces={named}&Require=replaces")), plain);
        assert_eq!(with("Subject=x"), Ok(None));
        for wrong in [
            "Replaces=".to_owned(),
            "Replaces".to_owned(),
            "Replaces=7%40host".to_owned(),
            format!("Replaces={named}&Replaces={named}"),
            format!("Replaces={named}%0D%0ARoute:%20%3Csip:evil.example%3E"),
            format!("Replaces={named}%00"),
        ] {
            assert_eq!(with(&wrong), Err(400), "{wrong}");
        }
    }

    #[test]
    fn rfc_3892_who_says_so_goes_along_without_its_proof() {
        let by = "\"Anna\" <sip:anna@pbx.example>;cid=\"2@host\";x=y";
        let fields = [("Refer-To", "<sip:600@pbx.example>"), ("Referred-By", by)];
        let said = read(&fields).map(|refer| refer.referred_by);
        assert_eq!(said, Ok(Some("\"Anna\" <sip:anna@pbx.example>;x=y".to_owned())));
    }

    #[test]
    fn rfc_4488_and_rfc_7614_a_refer_may_want_no_news() {
        for (wish, subscribes) in
            [("false", false), ("FALSE ;x", false), ("true", true), ("maybe", true)]
        {
            let fields = [("Refer-To", "<sip:600@pbx.example>"), ("Refer-Sub", wish)];
            assert_eq!(read(&fields).map(|refer| refer.subscribes), Ok(subscribes), "{wish}");
        }
        let fields = [("Refer-To", "<sip:600@pbx.example>"), ("Require", "nosub")];
        assert_eq!(read(&fields).map(|refer| refer.subscribes), Ok(false));
    }
}
