//! Where a demo's data live: a fresh temporary folder that goes with the process, or one that was given. A given one is used
//! only if it is empty or has the mark of an earlier demo, whose database is then replaced. Deliberately deletes nothing else.

use std::fs::{self, DirBuilder, File};
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::base::random::Random;
use crate::base::text::hex;
use crate::cli::serve::lock_file;
use crate::error::{Error, Result, UNPROCESSABLE};

/// The file that marks a folder as a demo's.
const MARK: &str = "curfew-demo";
const ABOUT_MARK: &str = "`curfew demo` keeps invented data here. Its next start in this folder throws them away.\n";
/// The name that `Config` gives an embedded database.
const DATABASE: &str = "curfew.db";
/// What an earlier demo leaves, its mark and its lock apart.
const EARLIER: [&str; 3] = [DATABASE, "curfew.db-wal", "curfew.db-shm"];

/// A demo's folder, locked: no other demo and no `curfew serve` uses it. Dropping a temporary one removes it.
pub struct Folder {
    path: PathBuf,
    is_temporary: bool,
    _lock: File,
}

impl Folder {
    /// The given folder, created if it is missing; else a temporary one that nobody else can read.
    ///
    /// # Errors
    /// 422 naming `--data-dir`: it holds something else than a demo, another demo runs in it, or it can't be written to.
    pub fn open(given: Option<PathBuf>, random: &dyn Random) -> Result<Self> {
        match given {
            Some(path) => Self::given(path),
            None => Self::temporary(random),
        }
    }

    fn temporary(random: &dyn Random) -> Result<Self> {
        let mut bytes = [0; 8];
        random.fill(&mut bytes);
        let path = std::env::temp_dir().join(format!("curfew-demo-{}", hex(&bytes)));
        DirBuilder::new().mode(0o700).create(&path).map_err(|error| unusable(&path, &error))?;
        let lock = lock_file(&path.join(DATABASE))?;
        Ok(Self { path, is_temporary: true, _lock: lock })
    }

    fn given(path: PathBuf) -> Result<Self> {
        let failed = |error: std::io::Error| unusable(&path, &error);
        DirBuilder::new().recursive(true).mode(0o700).create(&path).map_err(failed)?;
        let mark = path.join(MARK);
        let is_empty = fs::read_dir(&path).map_err(failed)?.next().is_none();
        if !is_empty && !mark.is_file() {
            let text = format!("{} holds something else than a demo: name an empty or a new folder", path.display());
            return Err(Error::new(UNPROCESSABLE, text).with_field("--data-dir"));
        }
        fs::write(&mark, ABOUT_MARK).map_err(failed)?;
        let lock = lock_file(&path.join(DATABASE)).map_err(|error| error.with_field("--data-dir"))?;
        for name in EARLIER {
            if let Err(error) = fs::remove_file(path.join(name))
                && error.kind() != ErrorKind::NotFound
            {
                return Err(failed(error));
            }
        }
        Ok(Self { path, is_temporary: false, _lock: lock })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it is removed at the end.
    pub fn is_temporary(&self) -> bool {
        self.is_temporary
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.is_temporary
            && let Err(error) = fs::remove_dir_all(&self.path)
        {
            tracing::warn!(folder = %self.path.display(), %error, "the temporary folder could not be removed");
        }
    }
}

fn unusable(path: &Path, error: &std::io::Error) -> Error {
    let text = format!("{} can't be used: {error}", path.display());
    Error::new(UNPROCESSABLE, text).with_field("--data-dir")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::SystemRandom;

    #[test]
    fn a_temporary_folder_goes_with_its_value() {
        let folder = Folder::open(None, &SystemRandom).expect("a temporary folder");
        let path = folder.path().to_owned();
        assert!(path.is_dir());
        drop(folder);
        assert!(!path.exists());
    }

    #[test]
    fn a_given_folder_is_empty_or_a_demo_of_before() {
        let place = tempfile::tempdir().expect("a temporary folder");
        let path = place.path().join("new");
        let folder = Folder::open(Some(path.clone()), &SystemRandom).expect("a new folder");
        fs::write(path.join(DATABASE), "earlier").expect("our own folder");
        assert!(Folder::open(Some(path.clone()), &SystemRandom).is_err(), "two demos at once");
        assert!(path.join(DATABASE).exists(), "a refused demo removed the running one's data");
        drop(folder);
        let again = Folder::open(Some(path.clone()), &SystemRandom).expect("the folder of an earlier demo");
        assert!(!path.join(DATABASE).exists());
        drop(again);
        assert!(path.exists(), "a given folder stays");
        let foreign = place.path().join("foreign");
        fs::create_dir(&foreign).expect("our own folder");
        fs::write(foreign.join("letter.txt"), "mine").expect("our own folder");
        assert!(Folder::open(Some(foreign.clone()), &SystemRandom).is_err());
        assert_eq!(fs::read_dir(&foreign).expect("our own folder").count(), 1, "a refused folder was written to");
    }
}
