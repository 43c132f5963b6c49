//! `/console/sessions`: the list with its filters, and ending one of them (`end_sessions.rs`: those that it shows).

use ipnet::IpNet;
use poem::http::StatusCode;
use poem::web::Path as UrlPath;
use poem::{Request, Response, handler};

use super::end_sessions::end_url;
use super::sign_in::end_own_session;
use crate::base::page::PageRequest;
use crate::base::text::local_path;
use crate::console::caller::{caller, posted};
use crate::console::chrome::{address, answer, go, label, page, wrong};
use crate::console::flash::Told;
use crate::console::form::{Fields, day};
use crate::console::parts::{Count, Moment};
use crate::console::sessions::{SessionFilter, SessionRow, SessionsPage};
use crate::console::{FieldError, Page, Section, device};
use crate::error::Result;
use crate::policy::ip_allowlist::parse_network;
use crate::policy::model::Method;
use crate::sessions::http::{end_session, visible};
use crate::sessions::list;
use crate::sessions::model::{Facts, ListFilter, Trigger};
use crate::web::authenticate::Caller;

const HOME: &str = "/console/sessions";

/// A query as it was understood.
struct Wanted {
    filter: ListFilter,
    network: Option<IpNet>,
    errors: Vec<FieldError>,
}

/// `GET /console/sessions`.
#[handler]
pub async fn show(request: &Request) -> poem::Result<Response> {
    let caller = caller(request).await?;
    let query = Fields::of_query(request)?;
    let whole_workspace = caller.facts.user.role.administers() && query.text("scope") != "mine";
    let wanted = wanted(&caller, &query, whole_workspace);
    let after = query.get("after").filter(|after| !after.is_empty());
    let limits = PageRequest::parse(None, after)?;
    let valid = wanted.errors.is_empty();
    let (items, next) = if valid {
        let workspace = &caller.facts.workspace.id;
        let found = list::list(&caller.app, workspace, &wanted.filter, wanted.network, &limits).await?;
        (found.items, found.next)
    } else {
        (Vec::new(), None)
    };
    let filter = typed(&query, whole_workspace);
    let summary =
        summary(&caller, whole_workspace, filter.is_active, items.len(), next.is_some() || after.is_some()).await?;
    let end_url = end_url(&query).filter(|_| whole_workspace && !items.is_empty());
    let view = SessionsPage {
        page: Page { errors: wanted.errors, ..page(request, &caller, Section::Sessions, "Sessions") },
        administrator: caller.facts.user.role.administers(),
        whole_workspace,
        rows: items.iter().map(|facts| row(facts, &caller)).collect(),
        summary,
        end_url,
        list_url: list_url(&query, after.unwrap_or_default()),
        next_url: next.map(|next| list_url(&query, &next)),
        first_url: after.map(|_| list_url(&query, "")),
        filter,
    };
    let status = if valid { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    Ok(answer(request, &caller, status, &view)?)
}

/// `POST /console/sessions/{id}/log-out`.
#[handler]
pub async fn log_out(UrlPath(id): UrlPath<String>, request: &Request, sent: Vec<u8>) -> poem::Result<Response> {
    let (caller, fields) = posted(request, &sent, HOME).await?;
    let facts = visible(&caller, id).await?;
    if facts.session.id == caller.facts.session.id {
        return Ok(end_own_session(&caller).await?);
    }
    let own = facts.user.id == caller.facts.user.id;
    let trigger = if own { Trigger::Logout } else { Trigger::Admin };
    let receipt = end_session(&caller, &facts, trigger, "ended from the list of sessions").await?;
    let told = if receipt.ended.sessions == 0 { Told::SessionWasGone } else { Told::SessionEnded };
    let back = fields.get("return_to").filter(|back| back.starts_with(HOME)).unwrap_or(HOME);
    Ok(go(&caller.app, &local_path(Some(back)), told))
}

fn wanted(caller: &Caller, query: &Fields, whole_workspace: bool) -> Wanted {
    let mut errors = Vec::new();
    let text = |name: &str| Some(query.text(name)).filter(|text| !text.is_empty()).map(str::to_owned);
    let network = text("ip").and_then(|ip| {
        let network = parse_network(&ip);
        if network.is_none() {
            errors.push(wrong("ip", "The address must be one, or a network such as 203.0.113.0/24."));
        }
        network
    });
    let method = text("method");
    if method.as_deref().is_some_and(|method| Method::parse(method).is_none()) {
        errors.push(wrong("method", "There is no such way to sign in."));
    }
    let filter = ListFilter {
        user: (!whole_workspace).then(|| caller.facts.user.id.to_string()),
        person: text("user").filter(|_| whole_workspace),
        method,
        created_before: day(query, "created_before", &mut errors),
        seen_before: day(query, "seen_before", &mut errors),
    };
    Wanted { filter, network, errors }
}

fn typed(query: &Fields, whole_workspace: bool) -> SessionFilter {
    let text = |name: &str| query.text(name).to_owned();
    let filter = SessionFilter {
        user: if whole_workspace { text("user") } else { String::new() },
        ip: text("ip"),
        method: text("method"),
        created_before: text("created_before"),
        seen_before: text("seen_before"),
        is_active: false,
    };
    let all = [&filter.user, &filter.ip, &filter.method, &filter.created_before, &filter.seen_before];
    SessionFilter { is_active: all.iter().any(|text| !text.is_empty()), ..filter }
}

fn list_url(query: &Fields, after: &str) -> String {
    let field = |name| (name, query.text(name));
    let filters = ["scope", "user", "ip", "method", "created_before", "seen_before"].map(field);
    address(HOME, &[filters.as_slice(), &[("after", after)]].concat())
}

/// How many are on this page, and of how many. `partial`: there are other pages.
async fn summary(caller: &Caller, everybodys: bool, filtered: bool, shown: usize, partial: bool) -> Result<String> {
    let shown = Count::of(i64::try_from(shown).unwrap_or(i64::MAX), "session", "sessions");
    if filtered {
        let more = if partial { ", on several pages" } else { "" };
        return Ok(format!("{} on this page{more}", shown.phrase));
    }
    let user = if everybodys { None } else { Some(&caller.facts.user.id) };
    let total = list::count(&caller.app, &caller.facts.workspace.id, user).await?;
    let total = Count::capped(total.sessions, total.more, "session", "sessions");
    Ok(if partial { format!("Showing {} of {}", shown.number, total.phrase) } else { total.phrase })
}

fn row(facts: &Facts, caller: &Caller) -> SessionRow {
    let (session, policy) = (&facts.session, &facts.policy);
    let (idle, end) = (session.idle_expires_at(policy), session.expires_at(policy));
    let limit = if idle < end { "idle" } else { "max. age" };
    let email = if facts.user.email.is_empty() { &facts.user.user_name } else { &facts.user.email };
    SessionRow {
        id: session.id.to_string(),
        user_label: label(facts),
        user_email: email.clone(),
        device: device::name(&session.user_agent),
        user_agent: session.user_agent.clone(),
        ip: session.last_ip.clone(),
        method: method_name(session.method).to_owned(),
        signed_in_at: Moment::from_millis(session.signed_in_at),
        last_seen_at: Moment::from_millis(session.last_seen_at),
        expires_at: Moment::from_millis(idle),
        expires_by: limit.to_owned(),
        current: session.id == caller.facts.session.id,
    }
}

fn method_name(method: Method) -> &'static str {
    match method {
        Method::Password => "Password",
        Method::Saml => "SAML",
        Method::Setup => "Set-up link",
    }
}
