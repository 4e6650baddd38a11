//! The commands of an author, as they are run: on the project's own jobs, copied to a folder where they can be spoilt.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

/// After which a line that does not come is missing.
const DEADLINE: Duration = Duration::from_secs(120);

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let folder = Self(tempfile::tempdir().unwrap());
        copy(&root.join("sql"), &folder.path("sql"));
        copy(&root.join("tests/examples"), &folder.path("examples"));
        fs::write(folder.path("reskontra.toml"), "sql = \"sql\"\nexamples = \"examples\"\n").unwrap();
        folder
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn reskontra(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_reskontra"));
        command.args(arguments).current_dir(self.0.path());
        command
    }

    fn run(&self, arguments: &[&str]) -> (bool, String) {
        let Output { status, stdout, stderr } = self.reskontra(arguments).output().unwrap();
        (status.success(), format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr)))
    }

    fn spoil(&self, file: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.path(file)).unwrap();
        assert!(text.contains(from), "{file} does not hold {from}");
        fs::write(self.path(file), text.replacen(from, to, 1)).unwrap();
    }
}

#[test]
fn dev_answers_once_for_a_file_and_says_where_it_is_wrong() {
    let folder = Folder::new();
    let (good, said) = folder.run(&["dev", "--once", "sql/ar/ar_payment.sql"]);
    assert!(good && said.contains("examples pass, 0 fail"), "{said}");

    folder.spoil("sql/ar/ar_payment.sql", "payment_in.sender_account", "payment_in.sender_acount");
    let (good, said) = folder.run(&["dev", "--once", "sql/ar/ar_payment.sql"]);
    assert!(!good, "{said}");
    assert!(said.contains("there is no column sender_acount in payment_in; did you mean sender_account?"), "{said}");
    assert!(said.contains("sql/ar/ar_payment.sql:"), "{said}");
}

#[test]
fn dev_answers_each_save_while_it_watches() {
    let folder = Folder::new();
    let mut process = folder.reskontra(&["dev"]).stdout(Stdio::piped()).spawn().unwrap();
    let (send, lines) = std::sync::mpsc::channel();
    let output = BufReader::new(process.stdout.take().unwrap());
    std::thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| send.send(line)));
    let wait_for = |part: &str| {
        while !lines.recv_timeout(DEADLINE).unwrap_or_else(|_| panic!("no {part}")).contains(part) {}
    };
    wait_for("watching");
    folder.spoil("sql/ar/ar_item_balance.sql", "from ar_allocation", "form ar_allocation");
    wait_for("sql/ar/ar_item_balance.sql:");
    folder.spoil("sql/ar/ar_item_balance.sql", "form ar_allocation", "from ar_allocation");
    wait_for("ar_item_balance: plans");
    wait_for("0 fail");
    folder.spoil("examples/ar/ar_item_balance.md", "as-of: ", "as-of: x");
    wait_for("as-of is no date");
    process.kill().unwrap();
    process.wait().unwrap();
}

#[test]
fn expectations_are_written_anew_only_when_told_to() {
    let folder = Folder::new();
    let file = folder.path("examples/ar/ar_item.md");
    let good = fs::read_to_string(&file).unwrap();
    folder.spoil("examples/ar/ar_item.md", "| A | 60.00 | 100.00 |", "| A | 61.00 | 100.00 |");
    let spoilt = fs::read_to_string(&file).unwrap();

    let (passes, said) = folder.run(&["test", "ar_item"]);
    assert!(!passes && said.contains("61.00 → 60.00"), "{said}");
    assert_eq!(fs::read_to_string(&file).unwrap(), spoilt);

    let (_, said) = folder.run(&["test", "ar_item", "--update"]);
    assert!(said.contains("wrote "), "{said}");
    assert_eq!(fs::read_to_string(&file).unwrap(), good);
    assert!(folder.run(&["test", "ar_item"]).0);
}

#[test]
fn lint_passes_on_the_projects_jobs_and_says_where_one_is_out_of_style() {
    let folder = Folder::new();
    let (good, said) = folder.run(&["lint"]);
    assert!(good, "{said}");
    folder.spoil("sql/ar/ar_item_balance.sql", "select", "SELECT");
    let (good, said) = folder.run(&["lint", "sql/ar/ar_item_balance.sql"]);
    assert!(!good && said.contains("case: SELECT in upper case; write select"), "{said}");
}
