//! `/console/audit`: the log with its filters, and the verdict on its chain. Exports are those of the API.

use poem::http::StatusCode;
use poem::{Request, Response, handler};
use serde_json::Value;

use crate::audit::chain::Found;
use crate::audit::http::view as entry_view;
use crate::audit::{self, Filter};
use crate::base::page::PageRequest;
use crate::base::text::hex;
use crate::console::audit::{ActionOption, AuditFilter, AuditPage, AuditRow, Detail, Verification};
use crate::console::caller::administrator;
use crate::console::chrome::{address, answer, page};
use crate::console::form::{Fields, day};
use crate::console::parts::{Badge, Count, Moment, Tone};
use crate::console::{FieldError, Page, Section};
use crate::error::Result;
use crate::users::search::find_named;
use crate::web::authenticate::Caller;

const HOME: &str = "/console/audit";
const EXPORT: &str = "/api/v1/audit/export";
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Every action there is, as docs/audit.md lists them.
const ACTIONS: &[&str] = &[
    "api_key.created",
    "api_key.revoked",
    "audit.exported",
    "domain.added",
    "domain.contested",
    "domain.removed",
    "domain.trusted",
    "domain.verified",
    "group.created",
    "group.deleted",
    "group.updated",
    "login.address_refused",
    "login.failed",
    "login.reauthenticated",
    "login.reauthentication_failed",
    "login.saml_refused",
    "login.sso_required",
    "login.succeeded",
    "logout.saml_refused",
    "saml.certificate_expiring",
    "scim.group_roles_changed",
    "scim.hold_approved",
    "scim.hold_began",
    "scim_client.created",
    "scim_client.revoked",
    "scim_token.created",
    "scim_token.revoked",
    "scim_token.rotated",
    "security.ip_allowlist_changed",
    "security.policy_changed",
    "security.saml_changed",
    "security.saml_deleted",
    "security.saml_disabled",
    "security.saml_encryption_key_rotated",
    "security.saml_metadata_refreshed",
    "security.saml_setup_link_created",
    "security.saml_setup_link_opened",
    "security.saml_setup_link_revoked",
    "security.saml_signing_key_activated",
    "security.saml_signing_key_rotated",
    "security.saml_tested",
    "session.log_all_users_out",
    "session.logout",
    "session.revoked",
    "session.selection_revoked",
    "session.user_logged_out",
    "session.users_logged_out",
    "user.activated",
    "user.created",
    "user.deleted",
    "user.deprovisioned",
    "user.group_access_lost",
    "user.identity_linked",
    "user.linked",
    "user.password_changed",
    "user.roles_changed",
    "user.setup_link_created",
    "user.suspended",
    "user.updated",
    "workspace.created",
];

/// `GET /console/audit`.
#[handler]
pub async fn show(request: &Request) -> poem::Result<Response> {
    let caller = administrator(request).await?;
    Ok(list_page(request, &caller, None).await?)
}

/// `GET /console/audit/verify`: walks the whole chain, then shows the log with the verdict.
#[handler]
pub async fn verify(request: &Request) -> poem::Result<Response> {
    let caller = administrator(request).await?;
    let verified = audit::verify(&caller.app.db, &caller.facts.workspace.id).await?;
    let verdict = Verification {
        intact: verified.broken.is_none(),
        entries: Count::of(verified.entries, "entry", "entries"),
        first_bad: verified.broken.and_then(|broken| u64::try_from(broken.sequence).ok()),
        head_hash: if verified.entries == 0 { String::new() } else { hex(&verified.head) },
    };
    Ok(list_page(request, &caller, Some(verdict)).await?)
}

async fn list_page(request: &Request, caller: &Caller, verification: Option<Verification>) -> Result<Response> {
    let query = Fields::of_query(request)?;
    let mut errors = Vec::new();
    let filter = wanted(caller, &query, &mut errors).await?;
    let after = query.get("after").filter(|after| !after.is_empty());
    let limits = PageRequest::parse(None, after)?;
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let (items, next) = if errors.is_empty() {
        let mut read = caller.app.db.read().await?;
        let found = audit::list(&mut read, &caller.facts.workspace.id, &filter, &limits).await?;
        (found.items, found.next)
    } else {
        (Vec::new(), None)
    };
    let shown = Count::of(i64::try_from(items.len()).unwrap_or(i64::MAX), "entry", "entries");
    let more = if next.is_some() || after.is_some() { " on this page" } else { "" };
    let view = AuditPage {
        page: Page { errors, ..page(request, caller, Section::Audit, "Audit log") },
        filter: typed(&query),
        actions: ACTIONS.iter().map(|action| option(action, query.text("action"))).collect(),
        rows: items.iter().map(row).collect(),
        summary: format!("{}{more}, newest first", shown.phrase),
        verification,
        export_csv_url: address(EXPORT, &[("format", "csv")]),
        export_jsonl_url: address(EXPORT, &[("format", "jsonl")]),
        next_url: next.map(|next| list_url(&query, &next)),
        first_url: after.map(|_| list_url(&query, "")),
    };
    answer(request, caller, status, &view)
}

async fn wanted(caller: &Caller, query: &Fields, errors: &mut Vec<FieldError>) -> Result<Filter> {
    let action = query.text("action");
    Ok(Filter {
        action: (!action.is_empty()).then(|| action.to_owned()),
        actor: id_of(caller, query.text("actor")).await?,
        target: id_of(caller, query.text("target")).await?,
        since: day(query, "since", errors),
        until: day(query, "until", errors).map(|start| start + DAY_MS),
    })
}

/// The id that a text names: of the user who is called so, else the text itself.
async fn id_of(caller: &Caller, text: &str) -> Result<Option<String>> {
    if text.is_empty() {
        return Ok(None);
    }
    let user = find_named(&caller.app, &caller.facts.workspace.id, text).await?;
    Ok(Some(user.map_or_else(|| text.to_owned(), |user| user.id.to_string())))
}

fn typed(query: &Fields) -> AuditFilter {
    let text = |name: &str| query.text(name).to_owned();
    let set = ["action", "actor", "target", "since", "until"].iter().any(|name| !query.text(name).is_empty());
    AuditFilter {
        actor: text("actor"),
        target: text("target"),
        since: text("since"),
        until: text("until"),
        is_active: set,
    }
}

fn list_url(query: &Fields, after: &str) -> String {
    let field = |name| (name, query.text(name));
    let filters = ["action", "actor", "target", "since", "until"].map(field);
    address(HOME, &[filters.as_slice(), &[("after", after)]].concat())
}

/// `session.log_all_users_out` reads `Session: log all users out`.
fn option(action: &str, chosen: &str) -> ActionOption {
    let (room, deed) = action.split_once('.').unwrap_or((action, ""));
    let mut letters = room.chars();
    let first: String = letters.next().map(|letter| letter.to_uppercase().collect()).unwrap_or_default();
    let label = format!("{first}{}: {deed}", letters.as_str()).replace('_', " ");
    ActionOption { value: action.to_owned(), label, selected: action == chosen }
}

fn row(found: &Found) -> AuditRow {
    let entry = entry_view(found);
    let (tone, text) = if entry.outcome == "done" { (Tone::Success, "Done") } else { (Tone::Warning, "Refused") };
    let named = |label: String, id: String| if label.is_empty() { id } else { label };
    AuditRow {
        sequence: u64::try_from(entry.sequence).unwrap_or_default(),
        at: Moment::from_rfc3339(entry.at),
        action: entry.action,
        outcome: Badge { tone, text: text.to_owned() },
        actor_kind: entry.actor.kind.replace('_', " "),
        actor: named(entry.actor.label, entry.actor.id),
        target: named(entry.target.label, entry.target.id),
        reason: entry.reason.unwrap_or_default(),
        ip: entry.ip.unwrap_or_default(),
        request_id: entry.request_id,
        hash: entry.hash,
        details: details(&entry.details),
    }
}

/// What was recorded, one line each; what holds more inside is shown as it is stored.
fn details(recorded: &Value) -> Vec<Detail> {
    let Some(members) = recorded.as_object() else { return Vec::new() };
    let shown = members.iter().filter(|(_, value)| !value.is_null());
    shown
        .map(|(name, value)| {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            Detail { name: name.replace('_', " "), value }
        })
        .collect()
}
