//! `/api/v1/audit`: a filtered list, an export, and the verdict on the chain. Administrators only; reading is not audited,
//! exporting is.

use poem::{Body as Stream, Response};
use poem_openapi::param::Query;
use poem_openapi::{Object, OpenApi};
use serde::Serialize;
use serde_json::Value;

use super::chain::Found;
use super::{Entry, Filter, Target};
use crate::base::clock::parse_rfc3339;
use crate::base::page::PageRequest;
use crate::base::text::hex;
use crate::error::{Error, Result};
use crate::sessions::permission::require_admin;
use crate::transact;
use crate::web::authenticate::Caller;
use crate::web::json::Answer;

/// A principal or a thing.
#[derive(Debug, Object, Serialize)]
pub struct Named {
    pub kind: String,
    pub id: String,
    pub label: String,
}

/// One entry.
#[derive(Debug, Object, Serialize)]
pub struct EntryView {
    pub sequence: i64,
    pub at: String,
    pub action: String,
    pub actor: Named,
    pub target: Named,
    pub reason: Option<String>,
    /// `done` or `refused`.
    pub outcome: String,
    pub ip: Option<String>,
    pub user_agent: String,
    pub request_id: String,
    pub details: Value,
    /// SHA-256 of the hash before and this entry's text, in hexadecimal.
    pub hash: String,
}

/// A page of entries, newest first.
#[derive(Debug, Object, Serialize)]
pub struct AuditPage {
    pub items: Vec<EntryView>,
    pub next: Option<String>,
}

/// The verdict on the chain.
#[derive(Debug, Object, Serialize)]
pub struct VerifyView {
    pub intact: bool,
    /// Entries that hold, from the first on.
    pub entries: i64,
    /// Hash of the last entry, in hexadecimal.
    pub head: String,
    /// The first entry that doesn't hold.
    pub first_bad: Option<i64>,
    pub why: Option<String>,
}

/// An entry as it is shown.
pub fn view(found: &Found) -> EntryView {
    let entry: Value = serde_json::from_str(&found.text).unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let named =
        |value: &Value| Named { kind: text(&value["kind"]), id: text(&value["id"]), label: text(&value["label"]) };
    EntryView {
        sequence: found.sequence,
        at: text(&entry["at"]),
        action: text(&entry["action"]),
        actor: named(&entry["actor"]),
        target: named(&entry["target"]),
        reason: entry["reason"].as_str().map(str::to_owned),
        outcome: text(&entry["outcome"]),
        ip: entry["ip"].as_str().map(str::to_owned),
        user_agent: text(&entry["user_agent"]),
        request_id: text(&entry["request_id"]),
        details: entry["details"].clone(),
        hash: hex(&found.hash),
    }
}

/// Reads a filter as it comes from a query.
///
/// # Errors
/// 400 naming `since` or `until`.
pub fn filter(
    action: Option<String>,
    actor: Option<String>,
    target: Option<String>,
    since: Option<String>,
    until: Option<String>,
) -> Result<Filter> {
    let instant = |field: &'static str, text: Option<String>| {
        let text = text.filter(|text| !text.is_empty());
        let bad = || Error::invalid(field, "must be an instant such as 2026-11-24T10:00:00Z");
        text.map(|text| parse_rfc3339(&text).ok_or_else(bad)).transpose()
    };
    Ok(Filter { action, actor, target, since: instant("since", since)?, until: instant("until", until)? })
}

pub struct AuditApi;

#[OpenApi(prefix_path = "/api/v1")]
impl AuditApi {
    /// List audit entries, newest first
    #[oai(path = "/audit", method = "get", operation_id = "listAudit")]
    #[allow(clippy::too_many_arguments)]
    async fn list(
        &self,
        caller: Caller,
        action: Query<Option<String>>,
        actor: Query<Option<String>>,
        target: Query<Option<String>>,
        since: Query<Option<String>>,
        until: Query<Option<String>>,
        limit: Query<Option<i64>>,
        after: Query<Option<String>>,
    ) -> poem::Result<Answer<AuditPage>> {
        require_admin(&caller.facts)?;
        let page = PageRequest::parse(limit.0, after.0.as_deref())?;
        let filter = filter(action.0, actor.0, target.0, since.0, until.0)?;
        let mut read = caller.app.db.read().await?;
        let found = super::list(&mut read, &caller.facts.workspace.id, &filter, &page).await?;
        Ok(Answer::ok(AuditPage { items: found.items.iter().map(view).collect(), next: found.next }))
    }

    /// Verify the hash chain
    #[oai(path = "/audit/verify", method = "get", operation_id = "verifyAudit")]
    async fn verify(&self, caller: Caller) -> poem::Result<Answer<VerifyView>> {
        require_admin(&caller.facts)?;
        let verified = super::verify(&caller.app.db, &caller.facts.workspace.id).await?;
        Ok(Answer::ok(VerifyView {
            intact: verified.broken.is_none(),
            entries: verified.entries,
            head: hex(&verified.head),
            first_bad: verified.broken.as_ref().map(|broken| broken.sequence),
            why: verified.broken.map(|broken| broken.why.to_owned()),
        }))
    }

    /// Export the whole log, oldest first
    ///
    /// `jsonl` is one entry a line with its hash; `csv` is for spreadsheets, and its cells can't be formulas.
    #[oai(path = "/audit/export", method = "get", operation_id = "exportAudit")]
    async fn export(&self, caller: Caller, format: Query<Option<String>>) -> poem::Result<crate::web::json::Raw> {
        require_admin(&caller.facts)?;
        Ok(crate::web::json::Raw(export(&caller, format.0.as_deref()).await?))
    }
}

/// The export as a streamed answer.
///
/// # Errors
/// 400 naming `format`.
pub async fn export(caller: &Caller, format: Option<&str>) -> Result<Response> {
    let csv = match format {
        None | Some("jsonl") => false,
        Some("csv") => true,
        Some(_) => return Err(Error::invalid("format", "must be jsonl or csv")),
    };
    let workspace = caller.facts.workspace.id.clone();
    let app = caller.app.clone();
    let entry =
        Entry::done("audit.exported", Target::new("workspace", workspace.as_str(), &caller.facts.workspace.slug));
    transact!(app.db, |tx| { super::append(tx, &workspace, app.clock.now(), &caller.actor, &entry).await })?;
    let head = if csv { CSV_HEAD.to_owned() } else { String::new() };
    let parts = futures_util::stream::try_unfold((Some(head), 0), move |(head, after)| {
        let (app, workspace) = (app.clone(), workspace.clone());
        async move {
            if let Some(head) = head.filter(|head| !head.is_empty()) {
                return Ok(Some((head, (None, after))));
            }
            let chunk = super::export(&app.db, &workspace, after).await.map_err(std::io::Error::other)?;
            let Some(last) = chunk.last() else { return Ok::<_, std::io::Error>(None) };
            let next = last.sequence;
            let text: String = chunk.iter().map(|found| if csv { csv_line(found) } else { json_line(found) }).collect();
            Ok(Some((text, (None, next))))
        }
    });
    let (media, name) =
        if csv { ("text/csv; charset=utf-8", "audit.csv") } else { ("application/jsonl", "audit.jsonl") };
    Ok(Response::builder()
        .content_type(media)
        .header("Content-Disposition", format!("attachment; filename=\"{name}\""))
        .body(Stream::from_bytes_stream(parts)))
}

/// One entry and its hash as a line of JSON: the text is the one that was hashed.
pub fn json_line(found: &Found) -> String {
    format!("{{\"entry\":{},\"hash\":\"{}\"}}\n", found.text, hex(&found.hash))
}

/// First line of a CSV export.
pub const CSV_HEAD: &str = "sequence,at,action,actor,target,reason,outcome,ip,request_id,hash\r\n";

/// One entry as a line of CSV (RFC 4180). A cell that a spreadsheet would run gets an apostrophe in front.
pub fn csv_line(found: &Found) -> String {
    let entry = view(found);
    let cells = [
        entry.sequence.to_string(),
        entry.at,
        entry.action,
        entry.actor.label,
        entry.target.label,
        entry.reason.unwrap_or_default(),
        entry.outcome,
        entry.ip.unwrap_or_default(),
        entry.request_id,
        entry.hash,
    ];
    let cell = |text: &String| {
        let guard = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
        format!("\"{guard}{}\"", text.replace('"', "\"\""))
    };
    cells.iter().map(cell).collect::<Vec<_>>().join(",") + "\r\n"
}
