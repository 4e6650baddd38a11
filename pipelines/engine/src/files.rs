//! The files of a library as they were read, and how a library is kept with the generations that it computed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use lake::{Lake, LakeError};
use serde::{Deserialize, Serialize};

use crate::fingerprint::text_digest;
use crate::{EngineError, Library};

/// Version of the persisted form.
const FORMAT: u32 = 1;

/// The catalogue, which stands beside the areas.
const CATALOGUE: &str = "catalogue.csv";

/// Text of the files under `sql/` by path below it, `ar/ar_match.sql` for example.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Files(BTreeMap<String, String>);

/// A library as it is kept in the lake, under the digest of these bytes.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    format: u32,
    files: BTreeMap<String, String>,
    contracts: BTreeMap<String, Fields>,
}

/// Fields of a contract with their types, in order.
pub type Fields = Vec<(String, String)>;

/// A library that a generation was computed with.
#[derive(Debug, Clone)]
pub struct Archived {
    /// The library.
    pub library: Library,
    /// The contracts as they were, by name.
    pub contracts: BTreeMap<String, Fields>,
}

impl Files {
    /// Reads `sql/`: the catalogue, and the `.sql` and `.csv` files of each area.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn read(root: &Path) -> Result<Self, EngineError> {
        let mut files = BTreeMap::new();
        let mut keep = |path: &Path| {
            let text = fs::read_to_string(path).map_err(failed(path))?;
            let below = path.strip_prefix(root).unwrap_or(path).components();
            let names: Vec<_> = below.map(|part| part.as_os_str().to_string_lossy()).collect();
            files.insert(names.join("/"), text);
            Ok::<(), EngineError>(())
        };
        for path in list(root)? {
            if path.is_dir() {
                let read = |file: &PathBuf| file.extension().is_some_and(|kind| kind == "sql" || kind == "csv");
                list(&path)?.iter().filter(|file| read(file)).try_for_each(|file| keep(file))?;
            } else if path.file_name().is_some_and(|name| name == CATALOGUE) {
                keep(&path)?;
            }
        }
        Ok(Self(files))
    }

    /// Puts a file in the place of the one at its path, or beside the others.
    pub(crate) fn put(&mut self, path: String, text: String) {
        self.0.insert(path, text);
    }

    /// Paths and texts.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(path, text)| (path.as_str(), text.as_str()))
    }
}

impl FromIterator<(String, String)> for Files {
    fn from_iter<T: IntoIterator<Item = (String, String)>>(files: T) -> Self {
        Self(files.into_iter().collect())
    }
}

impl Library {
    /// Digest and bytes under which the lake keeps it.
    ///
    /// # Errors
    /// Never in practice: text can be written as JSON.
    pub fn to_keep(&self) -> Result<(String, Vec<u8>), EngineError> {
        let kept = Kept { format: FORMAT, files: self.files.0.clone(), contracts: contracts() };
        let bytes = serde_json::to_string_pretty(&kept).map_err(|error| format_error("library", &error))?;
        Ok((text_digest(&bytes), bytes.into_bytes()))
    }
}

impl Archived {
    /// The library that is kept under a digest.
    ///
    /// # Errors
    /// When it is not there, or this program cannot read it.
    pub async fn open(lake: &Lake, digest: &str) -> Result<Self, EngineError> {
        let bytes = lake.library(digest).await?;
        let kept: Kept = serde_json::from_slice(&bytes).map_err(|error| format_error(digest, &error))?;
        let short = digest.get(..12).unwrap_or(digest);
        let library = Library::parse(&Path::new("library").join(short), Files(kept.files))?;
        Ok(Self { library, contracts: kept.contracts })
    }
}

/// Fields of all contracts of this program.
#[must_use]
pub fn contracts() -> BTreeMap<String, Fields> {
    let fields = |contract: &schemas::Contract| {
        let fields = contract.schema.fields().iter();
        fields.map(|field| (field.name().clone(), field.data_type().to_string())).collect()
    };
    schemas::contracts().values().map(|contract| (contract.name.clone(), fields(contract))).collect()
}

fn format_error(what: &str, error: &serde_json::Error) -> EngineError {
    LakeError::Format { path: what.to_owned(), reason: error.to_string() }.into()
}

fn failed(path: &Path) -> impl FnOnce(std::io::Error) -> EngineError {
    move |error| EngineError::Read { file: path.to_owned(), error }
}

fn list(dir: &Path) -> Result<Vec<PathBuf>, EngineError> {
    let entries = fs::read_dir(dir).map_err(failed(dir))?;
    let mut paths =
        entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>().map_err(failed(dir))?;
    paths.sort();
    Ok(paths)
}
