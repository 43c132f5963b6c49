//! A real identity provider, headless, for one test: with keys of its own, our metadata, and one person who signs in by a
//! form. What each product wants is in a file of its own; their configuration in `tests/identity_providers`.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::net::TcpStream;

use super::child::Owned;
use super::http::{client, send};
use super::{TestApp, lemonldap, programs, provider_key, pysaml2, run, simplesamlphp};

/// How long one may take to start: Perl and Python have much to read.
const START: Duration = Duration::from_secs(60);

/// The products that tests can start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    SimpleSamlPhp,
    LemonLdap,
    Pysaml2,
}

/// What its users know of it.
pub struct Facts {
    /// Where its metadata is.
    pub metadata: &'static str,
    /// Field of the sign-in form, user name, password.
    pub user_field: &'static str,
    pub user: &'static str,
    pub password: &'static str,
    /// Whom it vouches for.
    pub email: &'static str,
    pub display_name: &'static str,
}

/// What it runs with.
pub struct Place {
    pub folder: PathBuf,
    pub port: u16,
    /// Whether it encrypts assertions.
    pub encrypts: bool,
}

pub struct IdentityProvider {
    kind: Kind,
    place: Place,
    process: Option<Owned>,
    _folder: TempDir,
}

impl Kind {
    pub fn facts(self) -> &'static Facts {
        match self {
            Self::SimpleSamlPhp => &simplesamlphp::FACTS,
            Self::LemonLdap => &lemonldap::FACTS,
            Self::Pysaml2 => &pysaml2::FACTS,
        }
    }

    fn command(self, place: &Place) -> Command {
        match self {
            Self::SimpleSamlPhp => simplesamlphp::command(place),
            Self::LemonLdap => lemonldap::command(place),
            Self::Pysaml2 => pysaml2::command(place),
        }
    }
}

impl Place {
    /// `http://127.0.0.1:port`.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn read(&self, name: &str) -> String {
        let file = self.folder.join(name);
        fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
    }

    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.join(name), text).expect("our own folder");
    }

    /// A folder in it, with those above it.
    pub fn make_folder(&self, name: &str) {
        fs::create_dir_all(self.folder.join(name)).expect("our own folder");
    }

    fn write_key(&self, name: &str) {
        let (key, certificate) = provider_key::pair(name);
        self.write(&format!("{name}.key"), &key);
        self.write(&format!("{name}.crt"), &certificate);
    }
}

impl IdentityProvider {
    /// Starts one that knows the workspace `acme` of that server.
    pub async fn start(kind: Kind, app: &TestApp) -> Self {
        let folder = run::temporary("provider-");
        let place = Place { folder: folder.path().to_owned(), port: programs::quiet_port(), encrypts: false };
        place.write_key("signing");
        let mut provider = Self { kind, place, process: None, _folder: folder };
        provider.read_our_metadata(app).await;
        provider
    }

    /// Gives it our metadata, the first time or again.
    pub async fn read_our_metadata(&mut self, app: &TestApp) {
        let ours = send(app.client.get(app.url("/saml/acme/metadata"))).await.expect(200).text;
        self.place.write("sp-metadata.xml", &ours);
        self.run().await;
    }

    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// An address there.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.place.url())
    }

    /// Its metadata, as its administrator would give it to us.
    pub async fn metadata(&self) -> String {
        send(client().get(self.url(self.kind.facts().metadata))).await.expect(200).text
    }

    /// From now on it encrypts assertions.
    pub async fn encrypt(&mut self) {
        self.place.encrypts = true;
        self.run().await;
    }

    /// A file for it to find; which ones mean something, its folder in `tests/identity_providers` says.
    pub fn write(&self, name: &str, text: &str) {
        self.place.write(name, text);
    }

    /// Makes the key that it is to sign with later; gives metadata with both certificates.
    pub async fn announce_next_key(&self) -> String {
        self.place.write_key("next");
        let metadata = self.metadata().await;
        match self.kind {
            Kind::LemonLdap => lemonldap::with_next_certificate(&metadata, &self.place),
            Kind::SimpleSamlPhp | Kind::Pysaml2 => metadata,
        }
    }

    /// From now on the next key signs. The one before is gone.
    pub async fn change_key(&mut self) {
        for end in ["key", "crt"] {
            let file = |name: &str| self.place.folder.join(format!("{name}.{end}"));
            fs::rename(file("next"), file("signing")).expect("a next key was announced");
        }
        self.run().await;
    }

    /// Starts it, with what its folder says now. One that runs ends first.
    async fn run(&mut self) {
        drop(self.process.take());
        let mut command = self.kind.command(&self.place);
        let log = self.place.folder.join("output.log");
        let output = fs::File::options().append(true).create(true).open(&log).expect("our own folder");
        command.current_dir(&self.place.folder);
        command.stdout(output.try_clone().expect("a file can be shared")).stderr(output);
        let mut process = Owned::start(&mut command);
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.place.port)).await.is_err() {
            let alive = process.ended().is_none() && begun.elapsed() < START;
            assert!(alive, "{:?} does not start: {}", self.kind, fs::read_to_string(&log).unwrap_or_default());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.process = Some(process);
    }
}
