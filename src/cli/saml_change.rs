//! What `curfew saml import`, `enable` and `disable` have in common: what becomes of sessions, the question before it, and what
//! is said of it afterwards.

use clap::Args;
use serde_json::json;

use super::saml_providers::on_or_off;
use super::saml_told::{Told, nobody_yet};
use super::{Console, InWorkspace, OutputFormat, output};
use crate::error::{Error, Result};
use crate::policy::model::OnChange;
use crate::policy::{read, rules};
use crate::saml::configure::Change;
use crate::saml::dry_run::Foreseen;
use crate::saml::provider::StoredProvider;
use crate::sessions::model::Receipt;
use crate::workspaces::model::Workspace;

// What becomes of sessions; unless given, what the policy says. And whether it is only tried, and why it is done.
// No doc comment: it would become that of the commands.
#[derive(Args)]
pub struct ChangeArguments {
    /// End every session with it.
    #[arg(long)]
    log_all_users_out: bool,
    /// End the sessions with it that the change takes the ground from.
    #[arg(long, conflicts_with = "log_all_users_out")]
    log_out_affected: bool,
    /// End none.
    #[arg(long, conflicts_with_all = ["log_all_users_out", "log_out_affected"])]
    keep_sessions: bool,
    /// Why; the audit log keeps it.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Say what it would do, and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Don't ask, even if sessions end.
    #[arg(long)]
    yes: bool,
}

impl ChangeArguments {
    fn wanted(&self) -> Option<OnChange> {
        let all = [
            (self.log_all_users_out, OnChange::LogAllUsersOut),
            (self.log_out_affected, OnChange::LogOutAffected),
            (self.keep_sessions, OnChange::Keep),
        ];
        all.into_iter().find(|(given, _)| *given).map(|(_, choice)| choice)
    }

    /// The change of a provider of this workspace, by its operator.
    pub fn change<'a>(&'a self, workspace: &'a Workspace) -> Change<'a> {
        Change {
            workspace: &workspace.id,
            label: &workspace.slug,
            sessions: self.wanted(),
            reason: self.reason.as_deref(),
            by_owner: true,
            encrypted_assertions: None,
        }
    }

    /// Whether to go on: not if it is only tried, which is shown; and if sessions would end or, of a provider that is `named`, another
    /// one take its place, not without a yes. `foreseen` is awaited only if something depends on it.
    ///
    /// # Errors
    /// As `foreseen`; without a terminal, that `--yes` is needed; and if the answer was not yes.
    pub async fn admits(
        &self,
        console: &Console,
        workspace: &Workspace,
        place: &InWorkspace,
        named: bool,
        foreseen: impl Future<Output = Result<Foreseen>>,
    ) -> Result<bool> {
        let policy = read::policy(&console.app, &workspace.id).await?;
        let chosen = rules::on_change(self.wanted(), policy.on_saml_change);
        if !self.dry_run && (self.yes || chosen == OnChange::Keep && !named) {
            return Ok(true);
        }
        let foreseen = foreseen.await?;
        if self.dry_run {
            let hint = nobody_yet(console, workspace, foreseen.before.as_ref(), &foreseen.after).await?;
            show(place.output.output, &foreseen, &hint);
            return Ok(false);
        }
        let (told, count) = (Told::of(foreseen.before.as_ref(), &foreseen.after), foreseen.consequences.count());
        let mut question = told.replacement("is replaced").trim_start().to_owned();
        if count.sessions > 0 && chosen != OnChange::Keep {
            let counted = output::sessions_of_users(count.sessions, count.users, count.more);
            question =
                format!("{question} This ends {counted} in {}, at once.", workspace.name).trim_start().to_owned();
        }
        if !question.is_empty() {
            output::confirm(&question, false)?;
        }
        Ok(true)
    }
}

/// What a change would do, and a line behind it.
fn show(format: OutputFormat, foreseen: &Foreseen, hint: &str) {
    let Foreseen { before, after, consequences: found } = foreseen;
    let (told, count) = (Told::of(before.as_ref(), after), found.count());
    let mut json = json!({
        "dry_run": true,
        "provider": {"name": after.name, "entity_id": after.entity_id, "enabled": after.enabled},
        "sessions": found.chosen.as_str(),
        "would_end": count,
        "cannot_sign_in": found.cannot_sign_in,
    });
    told.add_to(&mut json);
    let counted = output::sessions_of_users(count.sessions, count.users, count.more);
    let (state, replaced) = (state(before.as_ref(), after), told.replacement("would be replaced"));
    let mut sentence = format!("{state}{replaced}{} {counted} would end.", told.certificates());
    if found.cannot_sign_in > 0 {
        let more = if found.cannot_sign_in_more { "at least " } else { "" };
        let people = output::counted(found.cannot_sign_in, "person", "people");
        sentence.push_str(&format!(" {more}{people} could not sign in any more."));
    }
    sentence.push_str(" Nothing was changed.");
    output::result(format, &json, &format!("{sentence}{hint}"));
}

/// Whether a provider would be on, in the words that fit what it is now.
fn state(before: Option<&StoredProvider>, after: &StoredProvider) -> String {
    let word = on_or_off(after.enabled);
    match before {
        None => format!("{} would be added, and switched {word}.", after.name),
        Some(before) if before.enabled == after.enabled => format!("{} is {word}.", before.name),
        Some(before) => format!("{} would be switched {word}.", before.name),
    }
}

/// What became of sessions, to stand behind another sentence; empty if nothing was revoked.
pub fn ended(receipt: Option<&Receipt>) -> Result<String> {
    let Some(receipt) = receipt else { return Ok(String::new()) };
    let json = serde_json::to_value(receipt).map_err(Error::internal)?;
    Ok(format!(" {}{}", output::ended(&json), output::signed(&json)))
}
