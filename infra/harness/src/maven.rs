use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

use crate::server::cache;

/// Something that is fetched from Maven's repository.
pub struct Artifact {
    /// What it is, for messages.
    pub name: &'static str,
    /// Folder below the cache folder, with the version in it.
    pub folder: &'static str,
    /// `group:artifact:version[:type:classifier]`, separated by white space.
    pub coordinates: &'static str,
}

impl Artifact {
    /// The folder with its files and those it depends on, in the user's cache folder; fetched if it is not there.
    pub fn fetch(&self) -> io::Result<PathBuf> {
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let home = cache()?.join(self.folder);
        if home.is_dir() {
            return Ok(home);
        }
        let parent = home.parent().unwrap_or(&home);
        fs::create_dir_all(parent)?;
        let work = parent.join(format!("installing-{}", std::process::id()));
        fs::create_dir_all(&work)?;
        let pom = work.join("pom.xml");
        fs::write(&pom, self.pom())?;
        let staged = work.join("files");
        let copy = Command::new("mvn")
            .args(["-q", "-B", "-f"])
            .arg(&pom)
            .arg("org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies")
            .arg("-DincludeScope=runtime")
            .arg(format!("-DoutputDirectory={}", staged.display()))
            .stdin(Stdio::null())
            .output();
        let output = copy.map_err(|error| {
            let hint = "is fetched with Maven: install Maven and a Java runtime (17 or later)";
            io::Error::new(error.kind(), format!("mvn: {error}. {} {hint}", self.name))
        })?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stdout);
            return Err(io::Error::other(format!("mvn could not fetch {}: {}", self.name, said.trim())));
        }
        unpack(&staged)?;
        // Of two installers that race, the first one wins; both have fetched the same files.
        if let Err(error) = fs::rename(&staged, &home)
            && !home.is_dir()
        {
            return Err(error);
        }
        fs::remove_dir_all(&work)?;
        Ok(home)
    }

    fn pom(&self) -> String {
        let dependency = |coordinates: &str| {
            const NAMES: [&str; 5] = ["groupId", "artifactId", "version", "type", "classifier"];
            let parts = NAMES.iter().zip(coordinates.split(':'));
            let parts: String = parts.map(|(name, part)| format!("<{name}>{part}</{name}>")).collect();
            // An archive holds what it depends on.
            let alone =
                "<exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions>";
            let alone = if parts.contains("<type>") { alone } else { "" };
            format!("<dependency>{parts}{alone}</dependency>")
        };
        let dependencies: String = self.coordinates.split_whitespace().map(dependency).collect();
        format!(
            r#"<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>se.reskontra</groupId><artifactId>for-tests</artifactId><version>1</version>
<dependencies>{dependencies}</dependencies></project>
"#
        )
    }
}

/// Unpacks archives where they are.
fn unpack(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.to_string_lossy().ends_with(".tar.gz") {
            let done = Command::new("tar").arg("xzf").arg(&path).arg("-C").arg(folder).status()?;
            if !done.success() {
                return Err(io::Error::other(format!("{} cannot be unpacked", path.display())));
            }
            fs::remove_file(path)?;
        }
    }
    Ok(())
}
