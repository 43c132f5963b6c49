//! Passwords: argon2id on a bounded pool. A sign-in that would wait too long for a thread is told to come back instead.

use std::sync::Arc;
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use crate::base::random::Random;
use crate::config::SignIn;
use crate::error::{BUSY, Error, Result};

/// Characters of a password at the least (OWASP ASVS 5.0 §6.2.1).
pub const SHORTEST: usize = 8;
/// Bytes of a password at the most. Longer ones are refused, never cut.
pub const LONGEST: usize = 1_024;

/// A pool of threads that hash.
pub struct Passwords {
    argon2: Argon2<'static>,
    random: Arc<dyn Random>,
    threads: Arc<Semaphore>,
    queue: Duration,
    /// Verified when there is no account: an unknown name costs what a wrong password costs.
    decoy: String,
}

impl Passwords {
    pub fn new(settings: &SignIn, random: Arc<dyn Random>) -> Result<Self> {
        let params = Params::new(settings.argon2_memory_kib, settings.argon2_iterations, 1, None)
            .map_err(|error| Error::invalid("sign_in", format!("argon2 refuses these costs: {error}")))?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let mut salt = [0; 16];
        random.fill(&mut salt);
        let decoy = hash_with(&argon2, b"nobody has this password", &salt)?;
        let threads = Arc::new(Semaphore::new(settings.hashing_threads));
        Ok(Self { argon2, random, threads, queue: Duration::from_millis(settings.queue_ms), decoy })
    }

    /// Hashes a password that somebody chose, after the rules for new ones.
    ///
    /// # Errors
    /// 422 naming `password`; 503 `busy` if no thread is free in time.
    pub async fn hash_new(&self, password: &str) -> Result<String> {
        acceptable(password)?;
        self.hash(password).await
    }

    /// Hashes a password as a PHC string with a fresh salt.
    ///
    /// # Errors
    /// 503 `busy` if no thread is free in time.
    pub async fn hash(&self, password: &str) -> Result<String> {
        let mut salt = [0; 16];
        self.random.fill(&mut salt);
        let (argon2, password) = (self.argon2.clone(), Zeroizing::new(password.to_owned()));
        self.run(move || hash_with(&argon2, password.as_bytes(), &salt)).await?
    }

    /// Whether `password` is the one of `stored`. Without a stored hash it takes as long and says no.
    ///
    /// # Errors
    /// 503 `busy` if no thread is free in time.
    pub async fn verify(&self, password: &str, stored: Option<&str>) -> Result<bool> {
        let known = stored.is_some();
        let hash = stored.unwrap_or(&self.decoy).to_owned();
        let (argon2, password) = (self.argon2.clone(), Zeroizing::new(password.to_owned()));
        let matches = self
            .run(move || PasswordVerifier::<str>::verify_password(&argon2, password.as_bytes(), &hash).is_ok())
            .await?;
        Ok(matches && known)
    }

    /// Whether a hash was made with other costs than today's.
    pub fn outdated(&self, stored: &str) -> bool {
        let today = PasswordHash::new(&self.decoy).map(|hash| hash.params);
        let then = PasswordHash::new(stored).map(|hash| hash.params);
        match (today, then) {
            (Ok(today), Ok(then)) => today != then,
            _ => true,
        }
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let busy = || {
            Error::new(BUSY, "too many people are signing in right now; try again in a moment")
                .with_retry_after(Duration::from_secs(2))
        };
        let permit = tokio::time::timeout(self.queue, self.threads.clone().acquire_owned()).await;
        let permit = permit.map_err(|_| busy())?.map_err(|_| busy())?;
        let done = tokio::task::spawn_blocking(move || {
            let result = work();
            drop(permit);
            result
        });
        done.await.map_err(Error::internal)
    }
}

fn hash_with(argon2: &Argon2<'_>, password: &[u8], salt: &[u8]) -> Result<String> {
    let hash: PasswordHash = argon2.hash_password_with_salt(password, salt).map_err(Error::internal)?;
    Ok(hash.to_string())
}

/// The rules for a new password: long enough, not too long, not one that everybody tries first.
///
/// # Errors
/// 422 naming `password`.
pub fn acceptable(password: &str) -> Result<()> {
    let refuse = |why: String| Err(Error::unprocessable("password", why));
    if password.chars().count() < SHORTEST {
        return refuse(format!("must have at least {SHORTEST} characters"));
    }
    if password.len() > LONGEST {
        return refuse(format!("must have at most {LONGEST} bytes"));
    }
    let plain = password.to_lowercase();
    let mut characters = plain.chars();
    let first = characters.next();
    if COMMON.contains(&plain.as_str()) || characters.all(|character| Some(character) == first) {
        return refuse("is one of the first that anybody tries".into());
    }
    Ok(())
}

/// Passwords of at least eight characters that lead every published list of leaked ones.
const COMMON: &[&str] = &[
    "12345678",
    "123456789",
    "1234567890",
    "0123456789",
    "87654321",
    "987654321",
    "password",
    "password1",
    "password12",
    "password123",
    "passw0rd",
    "p@ssw0rd",
    "p@ssword",
    "iloveyou",
    "sunshine",
    "princess",
    "football",
    "baseball",
    "superman",
    "trustno1",
    "whatever",
    "starwars",
    "computer",
    "michelle",
    "jennifer",
    "qwertyui",
    "qwertyuiop",
    "qwerty123",
    "qwerty12",
    "1q2w3e4r",
    "1q2w3e4r5t",
    "1qaz2wsx",
    "asdfghjk",
    "asdfghjkl",
    "zxcvbnm1",
    "zxcvbnm123",
    "abcd1234",
    "abc12345",
    "a1b2c3d4",
    "welcome1",
    "welcome123",
    "letmein1",
    "letmein123",
    "changeme",
    "changeme1",
    "admin123",
    "admin1234",
    "administrator",
    "monkey123",
    "dragon123",
    "master123",
    "shadow123",
    "secret123",
    "test1234",
    "testtest",
    "internet",
    "samsung1",
    "charlie1",
    "liverpool",
    "chocolate",
    "butterfly",
    "november",
    "december",
    "summer2024",
    "summer2025",
    "winter2024",
    "winter2025",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::SeededRandom;

    fn pool(queue_ms: u64) -> Passwords {
        let cheap =
            SignIn { argon2_memory_kib: 8, argon2_iterations: 1, hashing_threads: 1, queue_ms, ..SignIn::default() };
        Passwords::new(&cheap, Arc::new(SeededRandom::from_seed(1))).expect("these costs are valid")
    }

    #[tokio::test]
    async fn a_password_is_verified_whole() {
        let pool = pool(1_000);
        for password in ["p".repeat(72), "p".repeat(1_024), "pass\0word".to_owned(), "пароль-密码-🔑".to_owned()]
        {
            let hash = pool.hash(&password).await.expect("a hash");
            assert!(pool.verify(&password, Some(&hash)).await.expect("a verdict"));
            let shorter: String = password.chars().take(password.chars().count() - 1).collect();
            for wrong in [shorter, format!("{password}x"), password.to_uppercase() + "."] {
                assert!(!pool.verify(&wrong, Some(&hash)).await.expect("a verdict"), "{wrong}");
            }
        }
        assert!(
            !pool.verify("nobody has this password", None).await.expect("a verdict"),
            "the decoy is nobody's password"
        );
    }

    #[tokio::test]
    async fn whoever_would_wait_too_long_is_told_to_come_back() {
        let pool = pool(0);
        let _taken = pool.threads.clone().acquire_owned().await.expect("the only thread");
        let refused = pool.hash("a password").await.expect_err("no thread is free");
        assert_eq!((refused.problem(), refused.retry_after().is_some()), (BUSY, true));
    }

    #[test]
    fn what_everybody_tries_first_is_refused() {
        for bad in ["short", "Password1", "aaaaaaaaaaaa", "12345678", &"x".repeat(1_025)] {
            assert!(acceptable(bad).is_err(), "{bad}");
        }
        assert!(acceptable("correct horse").is_ok());
    }
}
