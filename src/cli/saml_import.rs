//! `curfew saml import`, `curfew saml enable` and `curfew saml disable`.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::saml_change::{ChangeArguments, ended};
use super::saml_told::{Told, nobody_yet};
use super::{Console, InWorkspace, output, saml_providers};
use crate::error::{CONFLICT, Error, NOT_FOUND, Result};
use crate::saml::configure::{self, Change};
use crate::saml::dry_run;
use crate::saml::provider::{Outline, StoredProvider, default_of};
use crate::saml::providers::{self, Saved};
use crate::saml::wanted::{Wanted, Which};
use crate::workspaces::model::Workspace;

#[derive(Args)]
pub struct ImportArguments {
    /// Its id or name; one that isn't there is made, with that name. Unless given, the one that has the
    /// metadata's entity id or, if the workspace has none yet, a new one. Another is replaced only if it is named here.
    #[arg(long, value_name = "PROVIDER")]
    provider: Option<String>,
    /// The metadata file; `-` reads standard input.
    #[arg(long, value_name = "FILE", required_unless_present = "metadata_url")]
    metadata: Option<PathBuf>,
    /// Where the metadata is: it is fetched from there, now and from time to time.
    #[arg(long, value_name = "URL", conflicts_with = "metadata")]
    metadata_url: Option<String>,
    /// Whether assertions must be encrypted: `optional` or `required`. Unless given, as before.
    #[arg(long, value_parser = ["optional", "required"])]
    encrypted_assertions: Option<String>,
    /// Switch it on if it was switched off. A new one is switched on without it.
    #[arg(long)]
    enable: bool,
    #[command(flatten)]
    change: ChangeArguments,
    #[command(flatten)]
    place: InWorkspace,
}

#[derive(Args)]
pub struct StateArguments {
    /// Its id or name. Unless given, the only one that can be meant.
    #[arg(long, value_name = "PROVIDER")]
    provider: Option<String>,
    #[command(flatten)]
    change: ChangeArguments,
    #[command(flatten)]
    place: InWorkspace,
}

/// Sets a provider from its metadata. A new one is switched on; one that was switched off stays so unless that is asked for.
///
/// # Errors
/// As `providers::save`, naming the file, or the option, that is at fault.
pub async fn import(console: &Console, arguments: &ImportArguments) -> Result<()> {
    let ImportArguments { change: deed, place, .. } = arguments;
    let app = &console.app;
    let workspace = console.workspace(&place.workspace).await?;
    let text = arguments.metadata.as_deref().map(output::read_text).transpose()?;
    let encrypted_assertions = configure::encrypted_assertions(arguments.encrypted_assertions.as_deref())?;
    let change = Change { encrypted_assertions, ..deed.change(&workspace) };
    let wanted = Wanted {
        metadata: text.as_deref(),
        metadata_url: arguments.metadata_url.as_deref(),
        enabled: arguments.enable.then_some(true),
        ..Wanted::of(arguments.provider.as_deref().map_or(Which::OfMetadata, Which::Named))
    };
    let saved = save(console, &workspace, place, deed, &change, &wanted).await;
    let Some(saved) = saved.map_err(|error| naming_source(error, arguments))? else { return Ok(()) };
    let Saved { before, provider, receipt } = &saved;
    let known = providers::outlines(app, &workspace.id).await?;
    let told = Told::of(before.as_ref(), provider);
    let hint = nobody_yet(console, &workspace, before.as_ref(), provider).await?;
    let sentence = format!("{}{}{hint}", imported(&workspace, &saved, &told, &known), ended(receipt.as_ref())?);
    let mut json = json!({
        "id": provider.id.as_str(), "entity_id": provider.entity_id, "enabled": provider.enabled, "receipt": receipt,
    });
    told.add_to(&mut json);
    output::result(place.output.output, &json, &sentence);
    Ok(())
}

/// The same error, naming what was given here: the API's fields are not known to whoever types a command.
fn naming_source(error: Error, arguments: &ImportArguments) -> Error {
    match error.field() {
        Some("metadata_xml" | "metadata_url") => {}
        Some("provider") if arguments.provider.is_none() => {
            let way =
                "to replace it, name it (curfew saml list has its id); to add another one, give a name that none has";
            return Error::new(error.problem(), format!("{}: {way}", error.detail())).with_field("--provider");
        }
        _ => return error,
    }
    let name = match arguments.metadata.as_deref() {
        Some(file) if file == Path::new("-") => "standard input".to_owned(),
        Some(file) => file.display().to_string(),
        None => "--metadata-url".to_owned(),
    };
    error.with_field(name)
}

/// Saves what is wanted; `None` if it was only tried. Whether to go on is asked first, if sessions would end.
async fn save(
    console: &Console,
    workspace: &Workspace,
    place: &InWorkspace,
    deed: &ChangeArguments,
    change: &Change<'_>,
    wanted: &Wanted<'_>,
) -> Result<Option<Saved>> {
    let (app, actor) = (&console.app, &console.actor);
    let foreseen = dry_run::save(app, actor, None, change, wanted);
    match deed.admits(console, workspace, place, matches!(wanted.which, Which::Named(_)), foreseen).await? {
        true => providers::save(app, actor, None, change, wanted).await.map(Some),
        false => Ok(None),
    }
}

/// What an import did.
fn imported(workspace: &Workspace, saved: &Saved, told: &Told, known: &[Outline]) -> String {
    let (slug, Saved { before, provider, .. }) = (&workspace.slug, saved);
    let certificates = told.certificates();
    let Some(before) = before else { return format!("{}{certificates}", added(slug, provider, known)) };
    let state = match (before.enabled, provider.enabled) {
        (true, true) => "It is on.".to_owned(),
        (false, true) => "It is switched on.".to_owned(),
        (_, false) => {
            format!("It is switched off: curfew saml enable --workspace {slug} --provider {}", provider.id)
        }
    };
    let replaced = told.replacement("is replaced");
    format!("The metadata of {} was imported.{replaced}{certificates} {state}", provider.name)
}

/// That a provider was added, which is on.
fn added(slug: &str, provider: &StoredProvider, known: &[Outline]) -> String {
    match default_of(known).is_none_or(|default| default.id == provider.id) {
        true => format!("{slug} now signs in with {}.", provider.entity_id),
        false => format!("{slug} can also sign in with {}.", provider.name),
    }
}

/// Switches a provider on.
///
/// # Errors
/// 404 if there is none to switch on; 409 naming `provider` if several are off and none is named.
pub async fn enable(console: &Console, arguments: &StateArguments) -> Result<()> {
    let StateArguments { provider, change: deed, place } = arguments;
    let workspace = console.workspace(&place.workspace).await?;
    let meant = match provider.as_deref() {
        Some(text) => saml_providers::find_outline(console, &workspace, text).await?,
        None => only_one_off(providers::outlines(&console.app, &workspace.id).await?)?,
    };
    let change = deed.change(&workspace);
    let wanted = Wanted { enabled: Some(true), ..Wanted::of(Which::Id(meant.id.as_str())) };
    let Some(saved) = save(console, &workspace, place, deed, &change, &wanted).await? else { return Ok(()) };
    let sentence = format!("{} is switched on.{}", saved.provider.name, ended(saved.receipt.as_ref())?);
    let json = json!({"id": saved.provider.id.as_str(), "enabled": saved.provider.enabled, "receipt": saved.receipt});
    output::result(place.output.output, &json, &sentence);
    Ok(())
}

fn only_one_off(known: Vec<Outline>) -> Result<Outline> {
    let mut off = known.into_iter().filter(|provider| !provider.enabled);
    let missing = || Error::new(NOT_FOUND, "no identity provider is switched off");
    let found = off.next().ok_or_else(missing)?;
    if off.next().is_some() {
        let text = "several identity providers are off: name the one to switch on";
        return Err(Error::new(CONFLICT, text).with_field("provider"));
    }
    Ok(found)
}

/// Switches a provider off.
pub async fn disable(console: &Console, arguments: &StateArguments) -> Result<()> {
    let StateArguments { provider, change: deed, place } = arguments;
    let (app, actor) = (&console.app, &console.actor);
    let workspace = console.workspace(&place.workspace).await?;
    let which = provider.as_deref().map_or(Which::Default, Which::Named);
    let change = deed.change(&workspace);
    let foreseen = dry_run::disable(app, actor, None, &change, which);
    if !deed.admits(console, &workspace, place, false, foreseen).await? {
        return Ok(());
    }
    let receipt = providers::disable(app, actor, None, &change, which).await?;
    let sentence = format!("The identity provider is switched off.{}", ended(receipt.as_ref())?);
    output::result(place.output.output, &json!({"enabled": false, "receipt": receipt}), &sentence);
    Ok(())
}
