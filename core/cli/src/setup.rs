//! `sidetone setup`, `link` and `link-key`: the sign-in link, read into the configuration file, made and signed.

use crate::args::{LinkArgs, LinkKeyArgs, SetupArgs};
use crate::config::{SetupError, link_keys, write_account};
use sidetone_driver::{LinkKey, LinkSigner, clock, open_link};
use sidetone_phone::{Account, Secret, SignInLink, UnixTime};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

/// Sets the phone up, and says for whom and at which servers: what a link says is the user's to judge.
pub(crate) fn run(args: &SetupArgs) -> Result<(), SetupError> {
    let named = args.link_key.iter().map(|key| key.parse());
    let named = named.collect::<Result<Vec<LinkKey>, _>>()?;
    let kept = link_keys(args.config.as_deref())?;
    let trusted = if named.is_empty() { &kept } else { &named };
    let link = open_link(&args.link, trusted, clock::now().wall)?;
    let path = write_account(args.config.clone(), &link, &named, args.replace)?;
    println!("{} is set up in {}", link.aor, path.display());
    for server in &link.servers {
        println!("  signs in at {server}");
    }
    println!(
        "{}",
        if trusted.is_empty() {
            "The link is not held against a key: look whether these servers are your company's."
        } else {
            "The link is signed by whom this phone trusts."
        }
    );
    println!(
        "Now: sidetone doctor checks everything, sidetone agent signs in; both ask for the password."
    );
    Ok(())
}

/// Prints the link of an account.
pub(crate) fn print(args: &LinkArgs) -> Result<(), SetupError> {
    let link = make(args, clock::now().wall)?;
    let text = match &args.sign {
        Some(file) => read_key(file)?.sign(&link),
        None => link.to_string(),
    };
    println!("{text}");
    Ok(())
}

/// Prints whose links a phone is to trust, and makes the private key if there is none.
pub(crate) fn print_key(args: &LinkKeyArgs) -> Result<(), SetupError> {
    if !args.file.exists() {
        make_key(&args.file)?;
    }
    println!("{}", read_key(&args.file)?.key());
    Ok(())
}

fn make(args: &LinkArgs, now: UnixTime) -> Result<SignInLink, SetupError> {
    Account::new(&args.account, Secret::new(""))?;
    let days = |days: u32| Duration::from_secs(u64::from(days) * 86_400);
    let link = SignInLink {
        aor: args.account.clone(),
        servers: args.server.iter().map(|server| server.parse()).collect::<Result<_, _>>()?,
        username: args.username.clone(),
        display_name: args.name.clone(),
        transfers_return: args.transfers_return.map_or_else(Default::default, Into::into),
        expires: args.days.map(|it| UnixTime(now.0 + days(it))),
    };
    // What a phone would not read is not made.
    Ok(link.to_string().parse()?)
}

/// For its owner alone. A file that is there is not touched.
fn make_key(path: &Path) -> Result<(), SetupError> {
    let key = LinkSigner::new_key()?;
    std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(key.as_bytes()).and_then(|()| file.sync_all()))
        .map_err(|source| {
            let what = "the private key";
            SetupError::Unwritable { what, path: path.to_owned(), source }
        })
}

fn read_key(path: &Path) -> Result<LinkSigner, SetupError> {
    let text = std::fs::read(path).map_err(|source| {
        let what = "the private key";
        SetupError::Unreadable { what, path: path.to_owned(), source }
    })?;
    LinkSigner::of(&text).map_err(|error| SetupError::PrivateKey { path: path.to_owned(), error })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixTime = UnixTime(Duration::from_secs(1_800_000_000));

    fn args(account: &str, servers: &[&str], name: &str) -> LinkArgs {
        let server = servers.iter().map(|&server| server.to_owned()).collect();
        LinkArgs {
            account: account.to_owned(),
            server,
            username: None,
            name: Some(name.to_owned()),
            transfers_return: None,
            sign: None,
            days: None,
        }
    }

    #[test]
    fn the_link_that_is_made_is_the_one_that_phones_read() {
        let link =
            make(&args("sip:1@b", &["wss://a:8089/ws", "wss://c"], "Anna Müller"), NOW).unwrap();
        assert_eq!(
            link.to_string(),
            "sidetone://sign-in?account=sip%3A1%40b&server=wss%3A%2F%2Fa%3A8089%2Fws\
             &server=wss%3A%2F%2Fc%3A443%2Fws&name=Anna%20M%C3%BCller"
        );
    }

    #[test]
    fn what_a_phone_would_not_read_is_not_made() {
        for (wrong, told) in [
            (args("agent1", &["wss://a"], "x"), "write sip:user@domain"),
            (args("sip:1@b", &["ws://a"], "x"), "write wss://"),
            (args("sip:1@b", &["wss://a"; 9], "x"), "1 to 8"),
            (args("sip:1@b", &["wss://a"], "a\nb"), "\"name\" cannot be read"),
            (args("sip:1@b", &["wss://a"], &"x".repeat(5000)), "not a sign-in link"),
        ] {
            let error = make(&wrong, NOW).unwrap_err().to_string();
            assert!(error.contains(told), "{error}");
        }
    }

    #[test]
    fn a_phone_that_trusts_a_key_takes_its_links_alone_also_later() {
        let folder = tempfile::tempdir().unwrap();
        let [file, other, config] =
            ["a.pem", "b.pem", "config.toml"].map(|it| folder.path().join(it));
        make_key(&file).unwrap();
        make_key(&other).unwrap();
        assert!(make_key(&file).is_err(), "a key that is there is kept");
        let mode = std::os::unix::fs::PermissionsExt::mode(
            &std::fs::metadata(&file).unwrap().permissions(),
        );
        assert_eq!(mode & 0o777, 0o600);
        let link = make(&args("sip:1@b", &["wss://a"], "x"), NOW).unwrap();
        let set_up = |link: String, keys: &[LinkKey]| {
            let link_key = keys.iter().map(ToString::to_string).collect();
            run(&SetupArgs { link, config: Some(config.clone()), replace: true, link_key })
        };
        let [ours, theirs] = [&file, &other].map(|it| read_key(it).unwrap());
        let refused = set_up(theirs.sign(&link), &[ours.key()]).unwrap_err();
        assert!(refused.to_string().contains("not signed by whom this phone trusts"), "{refused}");
        assert!(!config.exists(), "nothing is written");
        set_up(ours.sign(&link), &[ours.key()]).unwrap();
        for stranger in [theirs.sign(&link), link.to_string()] {
            assert!(set_up(stranger, &[]).is_err(), "the file keeps the key");
        }
        set_up(ours.sign(&link), &[]).unwrap();
        set_up(theirs.sign(&link), &[theirs.key()]).unwrap();
        assert!(set_up(ours.sign(&link), &[]).is_err());
    }

    #[test]
    fn what_is_no_private_key_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.pem");
        for text in ["", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"] {
            std::fs::write(&path, text).unwrap();
            let told = read_key(&path).unwrap_err().to_string();
            assert!(told.contains("no Ed25519 key") && told.contains("key.pem"), "{told}");
        }
        let missing = read_key(Path::new("/nowhere/key")).unwrap_err().to_string();
        assert!(missing.contains("cannot be read"), "{missing}");
    }
}
