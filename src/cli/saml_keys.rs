//! `curfew saml rotate-key`: a workspace's own keys.

use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::{Console, InWorkspace, output};
use crate::error::{Error, Result};
use crate::saml::{encryption_keys, signing_keys};

#[derive(Args)]
pub struct RotateKeyArguments {
    /// What the key is for.
    #[arg(long = "use", value_enum, default_value = "encryption")]
    key_use: Use,
    /// Sign with the key that was made before, now that the identity providers know it.
    #[arg(long)]
    activate: bool,
    #[command(flatten)]
    place: InWorkspace,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Use {
    /// Assertions are encrypted to it; the one before goes on being accepted.
    Encryption,
    /// Requests are signed with it, once it is activated.
    Signing,
}

/// Makes a key, or lets the one that was made sign.
pub async fn rotate(console: &Console, arguments: RotateKeyArguments) -> Result<ExitCode> {
    let (app, actor) = (&console.app, &console.actor);
    let workspace = console.workspace(&arguments.place.workspace).await?;
    let (id, slug) = (&workspace.id, workspace.slug.as_str());
    let (json, sentence) = match (arguments.key_use, arguments.activate) {
        (Use::Encryption, true) => {
            return Err(Error::invalid("activate", "is for `--use signing`: a key to encrypt to counts at once"));
        }
        (Use::Encryption, false) => {
            encryption_keys::rotate(app, actor, id, slug).await?;
            let sentence =
                "There is a new key for encrypted assertions: give the identity provider our metadata again.";
            (json!({"rotated": true}), sentence)
        }
        (Use::Signing, false) => {
            signing_keys::rotate(app, actor, id, slug).await?;
            let sentence = "There is a new key to sign with. It doesn't sign yet: give the identity provider our \
                            metadata again, and then use --activate.";
            (json!({"rotated": true}), sentence)
        }
        (Use::Signing, true) => {
            signing_keys::activate(app, actor, id, slug).await?;
            (json!({"activated": true}), "Requests are signed with the new key.")
        }
    };
    output::result(arguments.place.output.output, &json, sentence);
    Ok(ExitCode::SUCCESS)
}
