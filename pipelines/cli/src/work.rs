//! The folder for temporary files. What a killed process left there is removed by the next one that starts.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// A folder that is this process's own as long as it lives.
#[derive(Debug)]
pub struct WorkFolder {
    path: PathBuf,
    /// Held while the process lives, so that another one can tell that the folder is in use.
    _lock: File,
}

impl WorkFolder {
    /// A folder below `root`, after removing those whose process is gone.
    pub fn open(root: &Path) -> Result<Self> {
        let failed = || format!("the work folder {}", root.display());
        fs::create_dir_all(root).with_context(failed)?;
        for entry in fs::read_dir(root).with_context(failed)? {
            let left = entry.with_context(failed)?.path();
            if left.is_dir() && File::create(lock(&left)).is_ok_and(|file| file.try_lock().is_ok()) {
                // Another process that starts at this moment may have removed it first.
                let _ = fs::remove_dir_all(&left);
            }
        }
        let path = root.join(uuid::Uuid::new_v4().to_string());
        fs::create_dir(&path).with_context(failed)?;
        let lock = File::create(lock(&path)).with_context(failed)?;
        lock.try_lock().with_context(failed)?;
        Ok(Self { path, _lock: lock })
    }

    /// The folder.
    pub fn path(&self) -> PathBuf {
        self.path.clone()
    }
}

impl Drop for WorkFolder {
    fn drop(&mut self) {
        // The next process removes what cannot be removed now.
        let _ = fs::remove_dir_all(&self.path);
    }
}

fn lock(folder: &Path) -> PathBuf {
    folder.join("in-use")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_in_use_is_left_alone_and_one_left_behind_is_removed() {
        let root = tempfile::tempdir().unwrap();
        let left = root.path().join("left-behind");
        fs::create_dir(&left).unwrap();
        fs::write(left.join("rows"), "x").unwrap();
        let first = WorkFolder::open(root.path()).unwrap();
        let second = WorkFolder::open(root.path()).unwrap();
        assert!(!left.exists());
        assert!(first.path().exists() && second.path().exists());
        drop(first);
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
    }
}
