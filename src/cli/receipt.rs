//! `curfew receipt`: is a signed receipt genuine?

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Subcommand;
use serde_json::{Value, json};

use super::{OutputArguments, complain_of, open_existing, output};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::signing::jwk::{self, PublicKey};
use crate::signing::receipt::TYPE;
use crate::signing::{self, verify};

#[derive(Subcommand)]
pub enum ReceiptCommand {
    /// Say whether a receipt is genuine, and what it says; exit status 1 if it is not, 2 if that can't be judged.
    Verify {
        /// The signed receipt, the JSON answer that has it as `jws`, or what `curfew sessions log-all-users-out` printed; `-`
        /// reads standard input.
        #[arg(value_name = "FILE", default_value = "-")]
        file: PathBuf,
        /// Trust the keys of this file, as /.well-known/jwks.json gives them, instead of the database's.
        #[arg(long, value_name = "FILE")]
        jwks: Option<PathBuf>,
        /// Require that this installation issued it, such as https://id.example.com.
        #[arg(long, value_name = "URL")]
        issuer: Option<String>,
        #[command(flatten)]
        output: OutputArguments,
    },
}

/// The exit status of a receipt that can't be judged: no such file, no database, or no receipt at all.
const NOT_JUDGED: u8 = 2;

/// Why a receipt isn't genuine.
type Why = Cow<'static, str>;

/// `load` reads the settings; with a file of keys they are not needed.
pub async fn receipt(load: impl FnOnce() -> Result<Config>, command: ReceiptCommand) -> ExitCode {
    let ReceiptCommand::Verify { file, jwks, issuer, output: format } = command;
    match judge(load, &file, jwks.as_deref(), issuer.as_deref()).await {
        Ok(judged) => print(&judged, &format),
        Err(error) => {
            complain_of(&error);
            ExitCode::from(NOT_JUDGED)
        }
    }
}

/// # Errors
/// Why it can't be judged.
async fn judge(
    load: impl FnOnce() -> Result<Config>,
    file: &Path,
    jwks: Option<&Path>,
    issuer: Option<&str>,
) -> Result<std::result::Result<Value, Why>> {
    let presented = Presented::read(&output::read_text(file)?)?;
    let kid = match verify::key_of(&presented.jws, TYPE) {
        Err(why) => return Ok(Err(why.into())),
        Ok(kid) => kid,
    };
    Ok(match find_key(load, jwks, &kid).await? {
        None => Err("its key is none that is known here".into()),
        Some(key) => presented.judge(&key, issuer),
    })
}

async fn find_key(load: impl FnOnce() -> Result<Config>, jwks: Option<&Path>, kid: &str) -> Result<Option<PublicKey>> {
    let Some(path) = jwks else {
        let console = open_existing(load().map_err(with_hint)?).await.map_err(with_hint)?;
        return signing::find(&console.app, kid).await;
    };
    let none = || Error::invalid("--jwks", format!("{} is no JWK set", path.display()));
    let keys = jwk::read_set(&output::read_text(path)?).ok_or_else(none)?;
    Ok(keys.into_iter().find(|key| key.kid() == kid))
}

/// Whoever has the receipt only needs no database; a setting that is missing or wrong is no matter then.
fn with_hint(error: Error) -> Error {
    let hint = "to check it without a database, give --jwks FILE: what /.well-known/jwks.json of the server answers";
    match error.field().map(str::to_owned) {
        Some(field) => Error::invalid(field, format!("{}; {hint}", error.detail())),
        None => error,
    }
}

/// A signed receipt, and what stands around it.
struct Presented {
    jws: String,
    /// The answer in JSON.
    around: Value,
    /// The output of the command line.
    printed: String,
}

impl Presented {
    /// A bare compact JWS, one as a JSON text, an answer that has it, as `jws` or in its `receipt`, or printed lines of which one
    /// has it.
    ///
    /// # Errors
    /// 400 naming `file` for what doesn't even look like one.
    fn read(text: &str) -> Result<Self> {
        let text = text.trim();
        let found = match text.starts_with(['{', '"']) {
            true => Self::in_json(text)?,
            false => Self::in_lines(text)?,
        };
        if !is_compact(&found.jws) {
            return Err(no_receipt(
                "it has none of the shape xxx.yyy.zzz, nor JSON with one as jws, nor a line that begins with Signed receipt",
            ));
        }
        Ok(found)
    }

    fn in_lines(text: &str) -> Result<Self> {
        let mut signed = text.lines().filter_map(|line| line.trim().strip_prefix(output::SIGNED));
        let (first, second) = (signed.next(), signed.next());
        if second.is_some() {
            return Err(no_receipt("it has several signed receipts: give one"));
        }
        let jws = first.unwrap_or(text).trim().to_owned();
        let printed = if first.is_some() { text.to_owned() } else { String::new() };
        Ok(Self { jws, around: Value::Null, printed })
    }

    fn in_json(text: &str) -> Result<Self> {
        let mut json: Value =
            serde_json::from_str(text).map_err(|error| no_receipt(&format!("it is no JSON: {error}")))?;
        if json["receipt"]["jws"].is_string() {
            json = json["receipt"].take();
        }
        let missing = || no_receipt("it has no signature, which would be its member jws");
        let jws = json.as_str().or_else(|| json["jws"].as_str()).ok_or_else(missing)?.to_owned();
        Ok(Self { jws, around: json, printed: String::new() })
    }

    fn judge(&self, key: &PublicKey, issuer: Option<&str>) -> std::result::Result<Value, Why> {
        let claims = verify::claims(&self.jws, TYPE, key)?;
        if let Some(wanted) = issuer.filter(|issuer| claims["iss"] != *issuer) {
            return Err(format!("it was issued by {}, not by {wanted}", shown(&claims["iss"])).into());
        }
        if self.says_otherwise(&claims) {
            return Err("it is signed, but the answer around it says something else".into());
        }
        Ok(claims)
    }

    /// Who reads an answer reads what stands beside the signature.
    fn says_otherwise(&self, claims: &Value) -> bool {
        let altered = |(name, value): (&String, &Value)| self.around.get(name).is_some_and(|other| other != value);
        let counted = self.printed.contains(" ended (revocation ");
        claims.as_object().is_some_and(|members| members.iter().any(altered))
            || (counted && !self.printed.contains(&format!(": {}", output::ended(claims))))
    }
}

fn no_receipt(why: &str) -> Error {
    Error::invalid("file", format!("this is no receipt: {why}"))
}

/// Whether a text has the shape of a compact JWS, signed or not.
fn is_compact(text: &str) -> bool {
    let is_part =
        |part: &str| part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'='));
    let parts: Vec<&str> = text.split('.').collect();
    parts.len() == 3 && parts.iter().all(|part| is_part(part)) && !parts[0].is_empty() && !parts[1].is_empty()
}

fn print(judged: &std::result::Result<Value, Why>, format: &OutputArguments) -> ExitCode {
    match judged {
        Ok(claims) => {
            let (issuer, sequence) = (claims["iss"].as_str().unwrap_or_default(), &claims["sequence"]);
            let sentence = format!("Genuine: revocation {sequence}, signed by {issuer}.\n{}", lines(claims));
            output::result(format.output, &json!({"genuine": true, "claims": claims}), sentence.trim_end());
            ExitCode::SUCCESS
        }
        Err(why) => {
            let sentence = format!("NOT GENUINE: {why}.");
            output::result(format.output, &json!({"genuine": false, "why": why}), &sentence);
            ExitCode::FAILURE
        }
    }
}

/// A line for each claim.
fn lines(claims: &Value) -> String {
    let line = |(name, value): (&String, &Value)| format!("  {name:<16}{}\n", shown(value));
    claims.as_object().into_iter().flatten().map(line).collect()
}

/// A claim on one line.
fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), |text| text.replace('\n', " "))
}
