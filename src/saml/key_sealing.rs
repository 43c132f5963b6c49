//! Private keys at rest: AES-256-GCM under a key that is not in the database, so that a stolen backup opens nothing.
//!
//! That key is 32 octets in base64, in the file `key_file`; without that setting in `secrets.key` in the data folder, made
//! when it is first needed, but not beside private keys that were sealed under another one (`key_ring.rs`). Processes that share
//! a database must share it.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use openssl::symm::{Cipher, decrypt_aead, encrypt_aead};
use zeroize::Zeroizing;

use crate::base::random::{Random, bytes32};
use crate::base::text::hex;
use crate::config::Config;
use crate::error::{Error, Result};

const FILE: &str = "secrets.key";
const NONCE: usize = 12;
const TAG: usize = 16;

/// What happens if there is no key in the data folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// It is made.
    Make,
    /// It can't be: what is in the database is sealed under another one.
    Refuse,
}

/// What an operator can do about a key that is not the one that it should be.
pub const REMEDY: &str = "give all processes that share the database the same one: copy it here, or name it by key_file; if it \
                          is lost, `curfew saml rotate-key` makes a workspace new keys";

/// The key that seals private keys. Wipes itself.
pub struct SealingKey(Zeroizing<[u8; 32]>);

impl SealingKey {
    /// Reads the key. If there is none in the data folder, and no other place is set, it is as `missing` says.
    ///
    /// # Errors
    /// 500 if it can't be read or made; the log says which file.
    pub fn load(config: &Config, random: &dyn Random, missing: Missing) -> Result<Self> {
        let path = config.key_file.clone().unwrap_or_else(|| config.data_dir.join(FILE));
        let wrong = |error: String| Error::internal(format!("key_file {}: {error}", path.display()));
        if !path.exists() && missing == Missing::Refuse {
            return Err(wrong(format!(
                "it is not there, and private keys in the database are sealed under it; {REMEDY}"
            )));
        }
        if config.key_file.is_none() && !path.exists() {
            create(&config.data_dir, &path, random).map_err(|error| wrong(error.to_string()))?;
        }
        let text = Zeroizing::new(fs::read_to_string(&path).map_err(|error| wrong(error.to_string()))?);
        let octets = STANDARD.decode(text.trim()).ok().map(Zeroizing::new);
        let key = octets.and_then(|octets| <[u8; 32]>::try_from(octets.as_slice()).ok());
        key.map(|key| Self(Zeroizing::new(key))).ok_or_else(|| wrong("not 32 octets in base64".to_owned()))
    }

    /// Seals octets for one place: they can't be opened as those of another.
    ///
    /// # Errors
    /// 500 if OpenSSL can't.
    pub fn seal(&self, place: &str, octets: &[u8], random: &dyn Random) -> Result<Vec<u8>> {
        let mut sealed = bytes32(random)[..NONCE].to_vec();
        let mut tag = [0; TAG];
        let (cipher, nonce) = (Cipher::aes_256_gcm(), sealed.clone());
        let ciphertext = encrypt_aead(cipher, self.0.as_slice(), Some(&nonce), place.as_bytes(), octets, &mut tag);
        sealed.extend(ciphertext.map_err(Error::internal)?);
        sealed.extend(tag);
        Ok(sealed)
    }

    /// The octets that were sealed for this place. `None` under another key, for another place, or if they were changed.
    pub fn open(&self, place: &str, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, rest) = sealed.split_at_checked(NONCE)?;
        let (ciphertext, tag) = rest.split_at_checked(rest.len().checked_sub(TAG)?)?;
        let (cipher, key) = (Cipher::aes_256_gcm(), self.0.as_slice());
        decrypt_aead(cipher, key, Some(nonce), place.as_bytes(), ciphertext, tag).ok().map(Zeroizing::new)
    }
}

/// Makes the file whole or not at all. Whoever comes second finds the first one's.
fn create(folder: &Path, path: &Path, random: &dyn Random) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let temporary: PathBuf = folder.join(format!("{FILE}.{}", hex(&bytes32(random)[..8])));
    let key = Zeroizing::new(bytes32(random));
    let text = Zeroizing::new(STANDARD.encode(key.as_slice()) + "\n");
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    let linked = fs::hard_link(&temporary, path);
    fs::remove_file(&temporary)?;
    match linked {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        outcome => outcome,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::SeededRandom;

    fn key(octet: u8) -> SealingKey {
        SealingKey(Zeroizing::new([octet; 32]))
    }

    #[test]
    fn what_was_sealed_opens_under_its_key_and_for_its_place_only() {
        let random = SeededRandom::from_seed(1);
        let sealed = key(1).seal("here", b"a private key", &random).expect("AES");
        assert!(!sealed.windows(7).any(|part| part == b"private"));
        assert_eq!(key(1).open("here", &sealed).as_deref().map(Vec::as_slice), Some(b"a private key".as_slice()));
        assert!(key(2).open("here", &sealed).is_none());
        assert!(key(1).open("there", &sealed).is_none());
        for length in 0..sealed.len() {
            assert!(key(1).open("here", &sealed[..length]).is_none(), "{length} octets of it");
        }
    }

    #[test]
    fn a_file_is_made_once_and_found_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let random = SeededRandom::from_seed(2);
        let config = Config { data_dir: folder.path().join("data"), ..Config::default() };
        assert!(SealingKey::load(&config, &random, Missing::Refuse).is_err(), "it is not to be made");
        assert!(!folder.path().join("data").exists(), "it was made all the same");
        let first = SealingKey::load(&config, &random, Missing::Make).expect("it is made");
        let second = SealingKey::load(&config, &random, Missing::Refuse).expect("it is found");
        assert_eq!(first.0, second.0);
        let elsewhere = Config { key_file: Some(folder.path().join("none")), ..Config::default() };
        assert!(
            SealingKey::load(&elsewhere, &random, Missing::Make).is_err(),
            "a file that an operator names must be there"
        );
    }
}
