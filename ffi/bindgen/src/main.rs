//! Writes the Kotlin and Swift of the phone's interface, and a text of it.
//!
//! `uniffi-bindgen kotlin|swift|dump LIBRARY CRATE OUT`: CRATE is the folder with `uniffi.toml`, OUT the folder, or for
//! `dump` the file, that is written. The library must have its symbols: the interface is written in them.

mod dump;

use anyhow::{Context, Result, bail};
use camino::{Utf8Path, Utf8PathBuf};
use std::{env, fs};
use uniffi_bindgen::bindings::{GenerateOptions, TargetLanguage, generate_with_bindgen_paths};
use uniffi_bindgen::{BindgenPaths, BindgenPathsLayer};

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [what, library, crate_root, out] = arguments.as_slice() else {
        bail!("usage: uniffi-bindgen kotlin|swift|dump LIBRARY CRATE OUT");
    };
    let library = Utf8Path::new(library);
    let language = match what.as_str() {
        "kotlin" => TargetLanguage::Kotlin,
        "swift" => TargetLanguage::Swift,
        "dump" => {
            let text = dump::interface(library)?;
            return fs::write(out, text).with_context(|| format!("writing {out}"));
        }
        other => bail!("{other} is neither kotlin, swift nor dump"),
    };
    let options = GenerateOptions {
        languages: vec![language],
        source: library.to_owned(),
        out_dir: out.into(),
        ..GenerateOptions::default()
    };
    let mut paths = BindgenPaths::default();
    paths.add_layer(OneCrate(crate_root.into()));
    generate_with_bindgen_paths(options, paths)
}

/// The one crate that has an interface, where it is: no cargo need be asked.
struct OneCrate(Utf8PathBuf);

impl BindgenPathsLayer for OneCrate {
    fn get_crate_root(&self, _name: &str) -> Option<Utf8PathBuf> {
        Some(self.0.clone())
    }
}
