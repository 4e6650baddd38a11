//! Embeds every contract under `schemas/` and their earlier versions in `schemas/history/`, so that a new one needs no
//! Rust.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let mut files = Vec::new();
    collect(&root, &mut files)?;
    files.sort();
    let (earlier, contracts): (Vec<_>, Vec<_>) =
        files.into_iter().partition(|file| file.starts_with(root.join("history")));
    embed(&contracts, "contracts.rs", |_, text| text)?;
    embed(&earlier, "history.rs", |file, text| {
        format!("({:?}, {text})", file.file_stem().unwrap_or_default().display().to_string())
    })
}

/// Writes a list with an entry for the text of each file.
fn embed(files: &[PathBuf], list: &str, entry: impl Fn(&Path, String) -> String) -> io::Result<()> {
    let mut code = String::from("&[\n");
    for file in files {
        println!("cargo::rerun-if-changed={}", file.display());
        let text = format!("include_str!({:?})", file.display().to_string());
        let _ = writeln!(code, "    {},", entry(file, text));
    }
    code.push_str("]\n");
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    fs::write(out.join(list), code)
}

fn collect(dir: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    println!("cargo::rerun-if-changed={}", dir.display());
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != "src" && name != "tests") {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "avsc") {
            files.push(path);
        }
    }
    Ok(())
}
