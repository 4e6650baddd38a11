//! The requirement catalogue: what the city's service description demands, so that what is implemented can be counted
//! against it and an id in a header cannot be a slip of the pen.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::EngineError;
use crate::did_you_mean;

/// The rows of `sql/catalogue.csv`, in its order. Empty where the folder has no such file: then ids are not checked.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    file: PathBuf,
    requirements: Vec<Requirement>,
}

/// One demand of the service description.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Requirement {
    /// Area and number, such as `AR35`.
    pub id: String,
    /// Where in the service description it stands.
    pub section: String,
    /// What it demands, as quoted from the service description.
    pub title: String,
    /// How much of it a job can do.
    pub automation: Automation,
    /// What the jobs that name it do not do of it yet; empty where they do all.
    #[serde(default)]
    pub missing: String,
}

/// How much of a requirement a job can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Automation {
    /// All of it runs unattended.
    Full,
    /// A job prepares a list or proposal, a person does the rest.
    Assist,
    /// There is nothing in it to compute.
    Out,
}

impl Requirement {
    /// The letters of the id.
    #[must_use]
    pub fn area(&self) -> &str {
        self.id.trim_end_matches(|digit: char| digit.is_ascii_digit())
    }
}

impl Catalogue {
    /// Reads the file's text.
    pub(crate) fn parse(file: &Path, text: &str) -> Result<Self, EngineError> {
        let mut catalogue = Self { file: file.to_owned(), requirements: Vec::new() };
        let fail = |error: csv::Error| EngineError::source(file, error.to_string());
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
        for requirement in reader.deserialize() {
            let requirement: Requirement = requirement.map_err(fail)?;
            if catalogue.get(&requirement.id).is_some() {
                return Err(EngineError::source(file, format!("{} stands there twice", requirement.id)));
            }
            catalogue.requirements.push(requirement);
        }
        Ok(catalogue)
    }

    /// All requirements, in the order of the catalogue.
    #[must_use]
    pub fn requirements(&self) -> &[Requirement] {
        &self.requirements
    }

    /// The requirement with this id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Requirement> {
        self.requirements.iter().find(|requirement| requirement.id == id)
    }

    /// Every id that the header of `file` names is there.
    pub(crate) fn check(&self, ids: &[String], file: &Path) -> Result<(), EngineError> {
        let unknown = ids.iter().find(|id| self.get(id).is_none());
        let Some(unknown) = unknown.filter(|_| !self.requirements.is_empty()) else { return Ok(()) };
        let text = std::fs::read_to_string(file).unwrap_or_default();
        let line = text.lines().position(|line| line.contains(&format!("\"{unknown}\""))).unwrap_or_default() + 1;
        let known: Vec<&str> = self.requirements.iter().map(|requirement| requirement.id.as_str()).collect();
        let reason = format!(
            "line {line}: the catalogue {} has no requirement {unknown}{}",
            self.file.display(),
            did_you_mean(unknown, &known)
        );
        Err(EngineError::source(file, reason))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Library;

    const JOB: &str =
        "/*\ntitle = \"T\"\ndescription = \"D\"\nkey = [\"a\"]\ncatalogue = [\"AR35\"]\n*/\nselect 1 as a\n";

    fn folder(job: &str, catalogue: Option<&str>) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("ar")).unwrap();
        std::fs::write(folder.path().join("ar/one.sql"), job).unwrap();
        if let Some(rows) = catalogue {
            let text = format!("id,section,title,automation\n{rows}");
            std::fs::write(folder.path().join("catalogue.csv"), text).unwrap();
        }
        folder
    }

    #[test]
    fn an_id_that_the_catalogue_does_not_have_is_an_error_with_its_line_and_a_near_one() {
        let folder = folder(&JOB.replace("AR35", "AR53"), Some("AR35,KR,Matcha,full\nGL01,ES,Bokför,assist\n"));
        let error = Library::load(folder.path()).unwrap_err().to_string();
        assert!(
            error.contains("one.sql: line 5:") && error.contains("no requirement AR53; did you mean AR35?"),
            "{error}"
        );
    }

    #[test]
    fn a_known_id_is_no_error_and_without_a_catalogue_none_is() {
        assert!(Library::load(folder(JOB, Some("AR35,KR,Matcha,full\n")).path()).is_ok());
        assert!(Library::load(folder(JOB, None).path()).is_ok());
    }

    #[test]
    fn a_catalogue_that_names_a_requirement_twice_is_an_error() {
        let twice = folder(JOB, Some("AR35,KR,Matcha,full\nAR35,KR,Matcha,out\n"));
        assert!(Library::load(twice.path()).unwrap_err().to_string().contains("AR35 stands there twice"));
    }

    #[test]
    fn the_catalogue_of_the_city_has_every_requirement_of_the_service_description() {
        let sql = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sql");
        let catalogue = Library::load(&sql).unwrap().catalogue;
        let of = |automation| catalogue.requirements().iter().filter(|one| one.automation == automation).count();
        assert_eq!([Automation::Full, Automation::Assist, Automation::Out].map(of), [249, 147, 26]);
        assert_eq!(catalogue.get("AR35").unwrap().area(), "AR");
    }
}
