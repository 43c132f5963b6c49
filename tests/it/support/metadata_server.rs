//! An identity provider's web site: metadata over TLS, answered as a test says, with a certificate authority of this run.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, OnceLock};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use openssl::asn1::Asn1Time;
use openssl::bn::{BigNum, MsbOption};
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::ssl::{SslAcceptor, SslMethod};
use openssl::x509::extension::{BasicConstraints, SubjectAlternativeName};
use openssl::x509::{X509, X509Name};

use super::{run, true_now};

/// What the site is called in its certificate, besides its address.
pub const HOST: &str = "idp.corp.test";

/// What the site says to whoever asks.
#[derive(Clone)]
pub struct Answer {
    octets: Vec<u8>,
    /// Whether it then says nothing more and waits for the other side to go.
    stays_open: bool,
}

impl Answer {
    /// 200 with this text, and further header lines.
    pub fn good(xml: &str, headers: &[&str]) -> Self {
        Self::with("200 OK", headers, xml.as_bytes())
    }

    /// Any status, header lines and body, with its length.
    pub fn with(status: &str, headers: &[&str], body: &[u8]) -> Self {
        let length = format!("Content-Length: {}", body.len());
        let lines: Vec<&str> = headers.iter().copied().chain([length.as_str()]).collect();
        Self::raw(&format!("HTTP/1.1 {status}\r\n{}\r\n\r\n", lines.join("\r\n")), body)
    }

    /// These octets, and then the end.
    pub fn raw(head: &str, body: &[u8]) -> Self {
        Self { octets: [head.as_bytes(), body].concat(), stays_open: false }
    }

    /// The same, but it doesn't end.
    pub fn unfinished(self) -> Self {
        Self { stays_open: true, ..self }
    }
}

/// The site. It lives as long as the test run.
pub struct MetadataServer {
    pub port: u16,
    answer: Arc<Mutex<Answer>>,
    requests: Arc<Mutex<Vec<String>>>,
    held: Arc<(Mutex<bool>, Condvar)>,
}

impl MetadataServer {
    pub fn start(answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("a bound socket has an address").port();
        let (answer, requests) = (Arc::new(Mutex::new(answer)), Arc::new(Mutex::new(Vec::new())));
        let held = Arc::new((Mutex::new(false), Condvar::new()));
        let shared = (answer.clone(), requests.clone(), held.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answer, requests, held) = shared.clone();
                std::thread::spawn(move || serve(stream, &answer, &requests, &held));
            }
        });
        Self { port, answer, requests, held }
    }

    /// Whether it lets whoever asks wait for its answer.
    pub fn hold(&self, held: bool) {
        *self.held.0.lock().expect("no holder of this lock can panic") = held;
        self.held.1.notify_all();
    }

    /// Waits until it was asked so many times.
    pub async fn asked(&self, times: usize) {
        while self.requests().len() < times {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// What it says from now on.
    pub fn set(&self, answer: Answer) {
        *self.answer.lock().expect("no holder of this lock can panic") = answer;
    }

    pub fn url(&self) -> String {
        format!("https://{HOST}:{}/metadata", self.port)
    }

    /// How the settings name it.
    pub fn host_and_port(&self) -> String {
        format!("{HOST}:{}", self.port)
    }

    /// The heads of all requests so far.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().expect("no holder of this lock can panic").clone()
    }
}

fn serve(
    stream: TcpStream,
    answer: &Mutex<Answer>,
    requests: &Mutex<Vec<String>>,
    (held, freed): &(Mutex<bool>, Condvar),
) {
    let Ok(mut tls) = acceptor().accept(stream) else { return };
    let (mut head, mut octet) = (Vec::new(), [0_u8; 1]);
    while !head.ends_with(b"\r\n\r\n") && head.len() < 16_384 {
        match tls.read(&mut octet) {
            Ok(1) => head.push(octet[0]),
            _ => return,
        }
    }
    requests.lock().expect("no holder of this lock can panic").push(String::from_utf8_lossy(&head).into_owned());
    let waiting = held.lock().expect("no holder of this lock can panic");
    drop(freed.wait_while(waiting, |held| *held).expect("no holder of this lock can panic"));
    let answer = answer.lock().expect("no holder of this lock can panic").clone();
    // Whoever is refused goes away in the middle: that isn't our failure.
    let written = tls.write_all(&answer.octets).and_then(|()| tls.flush());
    if written.is_ok() && answer.stays_open {
        drop(tls.read(&mut octet));
    }
    drop(tls.shutdown());
}

/// A certificate of an identity provider that ends in so many days: base64 of DER.
pub fn signing_certificate(days: u32) -> String {
    STANDARD.encode(issue("idp.test", days, None, false).certificate.to_der().expect("a certificate"))
}

/// The certificate authority that vouches for the site, PEM.
pub fn authority_file() -> &'static Path {
    static FILE: OnceLock<PathBuf> = OnceLock::new();
    FILE.get_or_init(|| {
        let path = run::folder().join("metadata-ca.pem");
        std::fs::write(&path, authority().certificate.to_pem().expect("a certificate")).expect("our own folder");
        path
    })
}

struct Issued {
    key: PKey<Private>,
    certificate: X509,
}

fn authority() -> &'static Issued {
    static AUTHORITY: OnceLock<Issued> = OnceLock::new();
    AUTHORITY.get_or_init(|| issue("Test authority", 30, None, true))
}

fn acceptor() -> &'static SslAcceptor {
    static ACCEPTOR: OnceLock<SslAcceptor> = OnceLock::new();
    ACCEPTOR.get_or_init(|| {
        let site = issue(HOST, 30, Some(authority()), false);
        let mut builder = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls()).expect("OpenSSL");
        builder.set_private_key(&site.key).expect("a key");
        builder.set_certificate(&site.certificate).expect("a certificate");
        builder.build()
    })
}

/// Signed by `issuer`, or by itself.
fn issue(name: &str, days: u32, issuer: Option<&Issued>, is_authority: bool) -> Issued {
    let make = || {
        let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
        let key = PKey::from_ec_key(EcKey::generate(&group)?)?;
        let mut subject = X509Name::builder()?;
        subject.append_entry_by_nid(Nid::COMMONNAME, name)?;
        let subject = subject.build();
        let mut serial = BigNum::new()?;
        serial.rand(127, MsbOption::MAYBE_ZERO, false)?;
        let serial = serial.to_asn1_integer()?;
        let begin = Asn1Time::from_unix(true_now() / 1000 - 3_600)?;
        let end = Asn1Time::days_from_now(days)?;
        let mut builder = X509::builder()?;
        builder.set_version(2)?;
        builder.set_serial_number(&serial)?;
        builder.set_subject_name(&subject)?;
        builder.set_issuer_name(issuer.map_or(&*subject, |issuer| issuer.certificate.subject_name()))?;
        builder.set_not_before(&begin)?;
        builder.set_not_after(&end)?;
        builder.set_pubkey(&key)?;
        if is_authority {
            builder.append_extension(BasicConstraints::new().critical().ca().build()?)?;
        }
        if let Some(issuer) = issuer {
            let names = SubjectAlternativeName::new()
                .dns(HOST)
                .ip("127.0.0.1")
                .build(&builder.x509v3_context(Some(&issuer.certificate), None))?;
            builder.append_extension(names)?;
        }
        builder.sign(issuer.map_or(&key, |issuer| &issuer.key), MessageDigest::sha256())?;
        Ok::<_, openssl::error::ErrorStack>(Issued { certificate: builder.build(), key })
    };
    make().unwrap_or_else(|error| panic!("no certificate for {name}: {error}"))
}
