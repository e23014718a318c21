//! The packs are put into a configuration by their installer, which says what is missing, shows what it does and takes it back.

use sidetone_interop::bench::Bench;
use sidetone_interop::phone::Scratch;
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

const PJSIP: &str =
    "[global]\ntype = global\n[web]\ntype = transport\nprotocol = wss\nbind = 0.0.0.0\n";
const EXTENSIONS: &str = "[phones]\nexten => 100,1,Hangup()\n";

/// A configuration that knows nothing of the packs.
struct Site {
    etc: PathBuf,
    asterisk: PathBuf,
    folder: Scratch,
}

impl Site {
    fn new() -> Self {
        let bench = PathBuf::from(std::env::var_os("SIDETONE_BENCH").expect("a bench"));
        let folder = Scratch::new("install");
        let etc = folder.0.join("etc");
        std::fs::create_dir(&etc).expect("a folder");
        std::fs::copy(bench.join("asterisk/etc/asterisk.conf"), etc.join("asterisk.conf"))
            .expect("where the modules are");
        let site = Self { etc, asterisk: bench.join("prefix/asterisk"), folder };
        site.write("modules.conf", "[modules]\nautoload = yes\n");
        site.write("pjsip.conf", PJSIP);
        site.write("extensions.conf", EXTENSIONS);
        site
    }

    fn write(&self, file: &str, text: &str) {
        std::fs::write(self.etc.join(file), text).expect("a file");
    }

    fn read(&self, file: &str) -> String {
        std::fs::read_to_string(self.etc.join(file)).unwrap_or_default()
    }

    /// Every file, but what is kept for `undo`.
    fn all(&self) -> BTreeMap<PathBuf, String> {
        let files = std::fs::read_dir(&self.etc).expect("the configuration");
        let paths = files.map(|file| file.expect("a file").path()).filter(|path| path.is_file());
        paths.map(|path| (path.clone(), std::fs::read_to_string(path).expect("text"))).collect()
    }

    fn install(&self, arguments: &[&str]) -> (bool, String) {
        install(&self.etc, &self.asterisk, arguments)
    }

    /// A server that says that it is of this version.
    fn server_says(&self, version: &str) -> PathBuf {
        let path = self.folder.0.join("asterisk");
        std::fs::write(&path, format!("#!/bin/sh\necho 'Asterisk {version}'\n")).expect("a file");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("a program");
        path
    }
}

/// Runs the installer on a configuration; whether it went well, and what it said.
pub(crate) fn install(etc: &Path, asterisk: &Path, arguments: &[&str]) -> (bool, String) {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../server/asterisk/install");
    let mut command = Command::new(program);
    command.arg("--etc").arg(etc).arg("--asterisk").arg(asterisk).args(arguments);
    let output = command.output().expect("the installer runs");
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).expect("text"))
}

#[test]
fn what_a_configuration_includes_is_seen_as_asterisk_sees_it() {
    let _bench = Bench::get();
    let site = Site::new();
    std::fs::create_dir_all(site.etc.join("pjsip.d/phones")).expect("a folder");
    site.write("pjsip.conf", "; mine\n#include \"pjsip.d/*.conf\" ; all of them\n");
    site.write("pjsip.d/20-transport.conf", "#tryinclude pjsip.d/phones/web\n");
    site.write("pjsip.d/phones/web", "[web]\ntype = transport\nprotocol = wss\n");
    let notify = "[global]\ntype = global\n";
    site.write("pjsip.d/10-global.conf", notify);
    site.write("modules.conf", "#include <modules.d>\n");
    site.write("modules.d", "[modules]\nautoload = yes\n");
    site.write("extensions.conf", "#include mine.conf\n");
    // It names itself: Asterisk gives up there, and so does the installer.
    site.write("mine.conf", "#include push.conf\n#include mine.conf\n");
    let (well, said) = site.install(&["apply", "agent"]);
    assert!(well, "{said}");
    let pjsip = site.read("pjsip.conf");
    let global = "[global](+)\ndefault_outbound_endpoint = sidetone-notify\n";
    assert!(pjsip.contains(global) && pjsip.contains("transport = web\n"), "{pjsip}");
    let includes = site.read("extensions.conf");
    assert!(!includes.contains("#include push.conf"), "it is there already: {includes}");
    assert!(includes.contains("#include agent.conf"), "{includes}");
    // Where it is set in one of them, nothing is added.
    site.write("pjsip.d/10-global.conf", &format!("{notify}default_outbound_endpoint = mine\n"));
    let (well, said) = site.install(&["apply", "agent"]);
    assert!(well && !site.read("pjsip.conf").contains("sidetone"), "{said}");
}

#[test]
fn packs_are_installed_with_what_they_stand_on_and_taken_back() {
    let _bench = Bench::get();
    let site = Site::new();
    let before = site.all();
    let (well, plan) = site.install(&["plan", "team"]);
    assert!(well && plan.contains("+#include team.conf"), "{plan}");
    assert_eq!(site.all(), before, "a plan changes nothing");
    let (well, done) = site.install(&["apply", "team"]);
    let left = "In the context of the agents' endpoints:\n      include => sidetone-agent\n";
    assert!(well && done.contains(left), "what is left is said: {done}");
    let includes = site.read("extensions.conf");
    let order: Vec<_> = includes.lines().filter(|line| line.starts_with("#include")).collect();
    let expected = ["sidetone-settings", "push", "agent", "team"];
    assert_eq!(order, expected.map(|name| format!("#include {name}.conf")));
    assert!(includes.starts_with(EXTENSIONS));
    let pjsip = site.read("pjsip.conf");
    assert!(pjsip.contains("[global](+)\ndefault_outbound_endpoint = sidetone-notify"), "{pjsip}");
    assert!(pjsip.contains("transport = web"), "{pjsip}");
    // Values of the site stay, and so do the packs that were there.
    site.write("sidetone-settings.conf", "; mine\n");
    let (well, _) = site.install(&["apply", "mask"]);
    assert!(well && site.read("sidetone-settings.conf") == "; mine\n");
    assert!(site.read("extensions.conf").contains("#include team.conf\n#include mask.conf\n"));
    let (well, again) = site.install(&["apply", "mask"]);
    assert!(well && again.contains("nothing to change"), "{again}");
    for _ in 0..2 {
        let (well, undone) = site.install(&["undo"]);
        assert!(well, "{undone}");
    }
    let mut after = site.all();
    let kept = after.remove(&site.etc.join("sidetone-settings.conf"));
    assert_eq!((kept.as_deref(), &after), (Some("; mine\n"), &before), "nothing is lost");
    let (well, _) = site.install(&["apply", "team"]);
    assert!(well && site.read("sidetone-settings.conf") == "; mine\n", "nor by the next");
    assert!(site.install(&["undo"]).0);
    assert!(!site.install(&["undo"]).0, "there is nothing more to take back");
}

#[test]
fn what_an_administrator_has_written_meanwhile_outlives_undo() {
    let _bench = Bench::get();
    let site = Site::new();
    // A last line without an end is no part of the installer's first.
    let before = EXTENSIONS.trim_end();
    site.write("extensions.conf", before);
    let (well, said) = site.install(&["apply", "agent"]);
    assert!(well, "{said}");
    let applied = site.read("extensions.conf");
    let block = applied.strip_prefix(EXTENSIONS).expect("what was there is there");
    assert!(block.starts_with("; >>> sidetone"), "{applied}");
    let mine = "[mine]\ninclude => sidetone-agent\n";
    let below = "[below]\nexten => 1,1,Hangup()\n";
    site.write("extensions.conf", &format!("{EXTENSIONS}{mine}{block}{below}"));
    let (well, said) = site.install(&["undo"]);
    assert!(well, "{said}");
    assert_eq!(site.read("extensions.conf"), format!("{EXTENSIONS}{mine}{below}"));
    assert!(
        said.contains("extensions.conf was edited since: what you have written stays"),
        "{said}"
    );
    assert!(said.contains("  extensions.conf:4:include => sidetone-agent\n"), "{said}");
    assert_eq!(site.read("pjsip.conf"), PJSIP, "what nobody has touched is as it was");
}

#[test]
fn new_files_are_as_readable_for_the_server_as_the_dial_plan() {
    let _bench = Bench::get();
    let site = Site::new();
    let mode = |file: &str| {
        let file = std::fs::metadata(site.etc.join(file)).expect("a file");
        file.permissions().mode() & 0o777
    };
    let extensions = site.etc.join("extensions.conf");
    std::fs::set_permissions(extensions, std::fs::Permissions::from_mode(0o664)).expect("a mode");
    let (well, said) = site.install(&["apply", "agent"]);
    assert!(well, "{said}");
    for file in ["agent.conf", "sidetone-settings.conf", "extensions.conf"] {
        assert_eq!(mode(file), 0o664, "{file}");
    }
}

#[test]
fn a_server_that_is_too_old_is_refused() {
    let _bench = Bench::get();
    let site = Site::new();
    let before = site.all();
    for (version, said) in [
        ("19.8.1", "Asterisk 19.8 is too old: 20.10, 21.5 or 22"),
        ("20.9.0", "Asterisk 20.9 is too old: 20.10, 21.5 or 22"),
        ("21.4.0", "Asterisk 21.4 is too old: 20.10, 21.5 or 22"),
        ("GIT-master", "names no version"),
    ] {
        for command in ["check", "apply"] {
            let (well, text) =
                install(&site.etc, &site.server_says(version), &[command, "supervise"]);
            assert!(!well && text.contains(said), "{version}: {text}");
        }
    }
    assert_eq!(site.all(), before);
    let warning = "whispering breaks calls";
    for (version, warned) in [("20.10.0", false), ("21.5.0", false), ("22.11.0", true)] {
        let (well, text) = install(&site.etc, &site.server_says(version), &["check", "supervise"]);
        assert!(well && text.contains(warning) == warned, "{version}: {text}");
    }
}

#[test]
fn what_several_packs_leave_to_do_in_one_place_is_said_once() {
    let _bench = Bench::get();
    let site = Site::new();
    let (well, plan) = site.install(&["plan", "all"]);
    let (_, left) = plan.split_once("left to you").expect("what is left");
    let endpoint = "  In pjsip.conf, in the endpoint of each agent:\n";
    assert!(well && left.matches(endpoint).count() == 1, "{left}");
    for line in ["set_var = DYNAMIC_FEATURES=sidetone-record", "set_var = TRANSFER_CONTEXT"] {
        let (_, behind) = left.split_once(endpoint).expect("the endpoints");
        let block = behind.split("\n  I").next().unwrap_or_default();
        assert!(block.contains(line), "{line}: {left}");
    }
}

#[test]
fn what_does_not_fit_is_named_before_anything_is_changed() {
    let _bench = Bench::get();
    let site = Site::new();
    site.write("modules.conf", "[modules]\nautoload = yes\nnoload = func_lock.so\n");
    let before = site.all();
    for (arguments, said) in [
        (
            ["apply", "agent"],
            "func_lock.so, for agent: modules.conf keeps it out; take out: noload",
        ),
        (["apply", "nonsense"], "there is no pack 'nonsense'; there are agent"),
        (["apply", "../push"], "there is no pack '../push'"),
        (["undo", ""], "there is no backup"),
    ] {
        let (well, text) = site.install(&arguments);
        assert!(!well && text.contains(said), "{arguments:?}: {text}");
    }
    // What stands in another section Asterisk does not see.
    let other = "[modules]\nautoload = no\n[global]\nautoload = yes\nload = func_lock.so\n";
    site.write("modules.conf", other);
    let (well, text) = site.install(&["apply", "agent"]);
    let advice = "add to its section [modules]: load = func_lock.so";
    assert!(!well && text.contains(advice), "{text}");
    let phones = "res_pjsip_transport_websocket.so, for all phones: modules.conf does not load it";
    assert!(text.contains(phones), "{text}");
    site.write("modules.conf", "[modules]\nautoload = yes\n");
    site.write("pjsip.conf", "[transport-udp]\ntype = transport\nprotocol = udp\n");
    for command in ["check", "apply"] {
        let (well, text) = site.install(&[command, "agent"]);
        assert!(!well && text.contains("a transport with protocol = wss"), "{text}");
    }
    site.write("pjsip.conf", PJSIP);
    site.write("modules.conf", "[modules]\nautoload = yes\nnoload = func_lock.so\n");
    assert_eq!(site.all(), before);
}

/// The modules that a pack's header names, without those of every dial plan.
fn modules_of(pack: &str) -> Vec<String> {
    let header = pack.split("\n[").next().unwrap_or_default();
    let said = header.split("; Modules besides").nth(1).unwrap_or_default();
    // Up to the end of the sentence, and behind what is in brackets.
    let said = said.split(".\n").next().unwrap_or_default();
    let said = said.split_once("):").map_or("", |(_, needed)| needed);
    let is_module =
        |word: &&str| ["app_", "func_", "res_"].iter().any(|kind| word.starts_with(kind));
    let words = said.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let mut modules: Vec<String> = words.filter(is_module).map(str::to_owned).collect();
    modules.sort();
    modules
}

#[test]
fn the_self_test_looks_for_what_each_pack_says_it_needs() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../server/asterisk");
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).expect("a pack");
    let table = read("selftest.conf");
    let (_, table) = table.split_once("[sidetone-features-packs]").expect("the table");
    let table = table.split("\n\n").next().unwrap_or_default();
    let mut looked_for = Vec::new();
    for line in table.lines().filter(|line| line.starts_with("exten")) {
        let (_, needs) = line.split_once("Return(").expect("what it needs");
        let fields: Vec<&str> = needs.trim_end_matches(')').split(',').collect();
        let (pack, text) = (fields[0], read(&format!("{}.conf", fields[0])));
        let mut modules: Vec<String> =
            fields[3].split('+').filter(|name| !name.is_empty()).map(str::to_owned).collect();
        modules.sort();
        assert_eq!(modules, modules_of(&text), "{pack}");
        for context in [fields[1], &format!("sidetone-{pack}-version")] {
            assert!(text.contains(&format!("[{context}]\nexten => s,1,")), "{pack}: {context}");
        }
        let settings = read("sidetone-settings.conf");
        assert!(settings.contains(&format!("[{}]\nexten => s,1,", fields[2])), "{pack}");
        looked_for.push(pack.to_owned());
    }
    let files = std::fs::read_dir(&folder).expect("the packs");
    let names = files.filter_map(|file| file.ok()?.file_name().into_string().ok());
    let packs = names.filter_map(|name| Some(name.strip_suffix(".conf")?.to_owned()));
    let is_looked_for = |name: &String| !["selftest", "sidetone-settings"].contains(&&**name);
    let mut packs: Vec<String> = packs.filter(is_looked_for).collect();
    packs.sort();
    looked_for.sort();
    assert_eq!(looked_for, packs, "each is looked for");
}
