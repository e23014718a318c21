//! `sidetone setup` and `sidetone link`: the sign-in link, read into the configuration file and made.

use crate::args::{LinkArgs, SetupArgs};
use crate::config::{SetupError, write_account};
use sidetone_phone::{Account, Secret, SignInLink};

/// Sets the phone up, and says for whom and at which servers: what a link says is the user's to judge.
pub(crate) fn run(args: &SetupArgs) -> Result<(), SetupError> {
    let link: SignInLink = args.link.parse()?;
    let path = write_account(args.config.clone(), &link, args.replace)?;
    println!("{} is set up in {}", link.aor, path.display());
    for server in &link.servers {
        println!("  signs in at {server}");
    }
    println!(
        "Now: sidetone doctor checks everything, sidetone agent signs in; both ask for the password."
    );
    Ok(())
}

/// Prints the link of an account.
pub(crate) fn print(args: &LinkArgs) -> Result<(), SetupError> {
    println!("{}", make(args)?);
    Ok(())
}

fn make(args: &LinkArgs) -> Result<SignInLink, SetupError> {
    Account::new(&args.account, Secret::new(""))?;
    let link = SignInLink {
        aor: args.account.clone(),
        servers: args.server.iter().map(|server| server.parse()).collect::<Result<_, _>>()?,
        username: args.username.clone(),
        display_name: args.name.clone(),
    };
    // What a phone would not read is not made.
    Ok(link.to_string().parse()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(account: &str, servers: &[&str], name: &str) -> LinkArgs {
        let server = servers.iter().map(|&server| server.to_owned()).collect();
        LinkArgs {
            account: account.to_owned(),
            server,
            username: None,
            name: Some(name.to_owned()),
        }
    }

    #[test]
    fn the_link_that_is_made_is_the_one_that_phones_read() {
        let link = make(&args("sip:1@b", &["wss://a:8089/ws", "wss://c"], "Anna Müller")).unwrap();
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
            let error = make(&wrong).unwrap_err().to_string();
            assert!(error.contains(told), "{error}");
        }
    }
}
