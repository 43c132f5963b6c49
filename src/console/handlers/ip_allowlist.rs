//! `POST /console/security/ip-allowlist`: who may connect from where. A list that shuts its author out is saved only if
//! they say so.

use ipnet::IpNet;
use poem::http::StatusCode;
use poem::{Request, Response, handler};

use super::log_all_users_out::receipt_page;
use super::policy::{chosen, on_change_of};
use super::security::{HOME, Refused, page};
use crate::console::FieldError;
use crate::console::caller::posted_by_administrator;
use crate::console::chrome::{go, sentence, status_of, wrong};
use crate::console::confirm::SessionsChoice;
use crate::console::flash::Told;
use crate::console::form::Fields;
use crate::console::security::IpAllowlistForm;
use crate::error::{Error, INVALID_REQUEST, Result, UNPROCESSABLE, WOULD_LOCK_OUT_CALLER};
use crate::policy::ip_allowlist::{IpAllowlist, Mode, Network};
use crate::security::change_allowlist::{Wanted, change, networks};
use crate::security::log_all_users_out::reason;
use crate::web::authenticate::Caller;

/// The form as somebody filled it in.
pub struct Typed {
    mode: String,
    entries: String,
    reason: String,
    log_all_users_out: bool,
    would_lock_out: bool,
}

impl Typed {
    fn read(fields: &Fields) -> Self {
        Self {
            mode: fields.text("mode").to_owned(),
            entries: fields.get("entries").unwrap_or_default().to_owned(),
            reason: fields.text("reason").to_owned(),
            log_all_users_out: chosen(fields, "sessions"),
            would_lock_out: false,
        }
    }

    fn of(list: &IpAllowlist, log_all_users_out: bool) -> Self {
        let line = |network: &Network| format!("{} {}", network.cidr, network.label).trim_end().to_owned();
        Self {
            mode: list.mode.as_str().to_owned(),
            entries: list.entries.iter().map(line).collect::<Vec<_>>().join("\n"),
            reason: String::new(),
            log_all_users_out,
            would_lock_out: false,
        }
    }
}

/// One line of the text: its number, the network, and what it is called.
struct Line<'a> {
    number: usize,
    cidr: &'a str,
    label: &'a str,
}

/// The form with what was typed, or what is saved.
pub fn form(caller: &Caller, saved: &IpAllowlist, typed: Option<Typed>, choice: SessionsChoice) -> IpAllowlistForm {
    let ip = caller.actor.origin.ip.map(|ip| ip.to_canonical());
    let shown = match &typed {
        None => Some(saved.entries.clone()),
        Some(typed) => read_networks(&typed.entries).ok().map(Into::into),
    };
    let list = IpAllowlist { entries: shown.unwrap_or_default(), ..IpAllowlist::default() };
    let typed = typed.unwrap_or_else(|| Typed::of(saved, choice.log_all_users_out));
    IpAllowlistForm {
        mode: typed.mode,
        entries: typed.entries,
        your_ip: caller.actor.origin.ip_text(),
        your_cidr: ip.map(|ip| IpNet::from(ip).to_string()).unwrap_or_default(),
        allows_you: ip.is_some_and(|ip| list.contains(ip)),
        would_lock_out: typed.would_lock_out,
        reason: typed.reason,
        sessions: SessionsChoice { log_all_users_out: typed.log_all_users_out, ..choice },
    }
}

/// `POST /console/security/ip-allowlist`.
#[handler]
pub async fn save(request: &Request, sent: Vec<u8>) -> poem::Result<Response> {
    let (caller, fields) = posted_by_administrator(request, &sent, HOME).await?;
    let typed = Typed::read(&fields);
    let (mode, entries) = match read(&typed) {
        Ok(wanted) => wanted,
        Err(error) => {
            return Ok(refuse(request, &caller, typed, StatusCode::UNPROCESSABLE_ENTITY, vec![error]).await?);
        }
    };
    let wanted = Wanted {
        workspace: &caller.facts.workspace.id,
        label: &caller.facts.workspace.slug,
        mode,
        entries,
        sessions: Some(on_change_of(typed.log_all_users_out)),
        reason: Some(typed.reason.as_str()).filter(|reason| !reason.is_empty()),
        confirm_lockout: fields.ticked("confirm_lockout"),
        if_version: None,
    };
    let error = match change(&caller.app, &caller.actor, &wanted).await {
        Ok((_, Some(receipt))) => return Ok(receipt_page(&caller.app, &receipt)),
        Ok((_, None)) => return Ok(go(&caller.app, HOME, Told::AllowlistSaved)),
        Err(error) => error,
    };
    match error.problem() {
        // The page has a banner of its own for that.
        WOULD_LOCK_OUT_CALLER => {
            let typed = Typed { would_lock_out: true, ..typed };
            Ok(refuse(request, &caller, typed, status_of(&error), Vec::new()).await?)
        }
        INVALID_REQUEST | UNPROCESSABLE => {
            let errors = vec![wrong("entries", sentence(error.detail()))];
            Ok(refuse(request, &caller, typed, StatusCode::UNPROCESSABLE_ENTITY, errors).await?)
        }
        _ => Err(error.into()),
    }
}

async fn refuse(
    request: &Request,
    caller: &Caller,
    typed: Typed,
    status: StatusCode,
    errors: Vec<FieldError>,
) -> Result<Response> {
    page(request, caller, Refused { status, errors, allowlist: Some(typed), ..Refused::default() }).await
}

/// What the form asks for, or the first thing that is wrong with it.
fn read(typed: &Typed) -> Result<(Mode, Vec<Network>), FieldError> {
    let mode = Mode::parse(&typed.mode).ok_or_else(|| wrong("", "Choose a mode: off, report or enforce."))?;
    let entries = read_networks(&typed.entries)?;
    require_reason(&typed.reason, typed.log_all_users_out, "ip_reason")?;
    Ok((mode, entries))
}

/// A reason is needed where everybody is logged out, and must be a good one wherever it is given.
///
/// # Errors
/// What is wrong with it, for the input `field`.
pub fn require_reason(typed: &str, log_all_users_out: bool, field: &str) -> Result<(), FieldError> {
    if typed.is_empty() && !log_all_users_out {
        return Ok(());
    }
    reason(typed).map(|_| ()).map_err(|error| wrong(field, format!("The reason {}.", error.detail())))
}

fn read_networks(text: &str) -> Result<Vec<Network>, FieldError> {
    let lines: Vec<Line<'_>> = lines(text).collect();
    networks(lines.iter().map(|line| (line.cidr, line.label))).map_err(|error| at_line(&error, &lines))
}

fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    text.lines().enumerate().filter_map(|(index, line)| {
        let line = line.trim();
        let (cidr, label) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        (!line.is_empty()).then_some(Line { number: index + 1, cidr, label: label.trim() })
    })
}

/// The error names an entry by its index; the person sees lines.
fn at_line(error: &Error, lines: &[Line<'_>]) -> FieldError {
    let index =
        error.field().and_then(|field| field.strip_prefix("entries[")?.split(']').next()?.parse::<usize>().ok());
    let of_label = error.field().is_some_and(|field| field.ends_with(".label"));
    match index.and_then(|index| lines.get(index)) {
        Some(line) if of_label => wrong("entries", format!("Line {}: the label {}.", line.number, error.detail())),
        Some(line) => wrong("entries", format!("Line {}: “{}” {}.", line.number, line.cidr, error.detail())),
        None => wrong("entries", format!("The list {}.", error.detail())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_networks_with_labels() {
        let found = read_networks("\n 203.0.113.0/24   Office, first floor\r\n\n2001:db8::1\n").expect("networks");
        let shown: Vec<_> = found.iter().map(|network| (network.cidr.to_string(), network.label.as_str())).collect();
        assert_eq!(shown, [("203.0.113.0/24".to_owned(), "Office, first floor"), ("2001:db8::1/128".to_owned(), "")]);
        assert!(read_networks("").expect("none").is_empty());
    }

    #[test]
    fn the_bad_line_is_named() {
        let error = read_networks("203.0.113.0/24 Office\n\nexample.com Home\n").expect_err("no network");
        assert_eq!(error.field, "entries");
        assert!(error.text.starts_with("Line 3: “example.com”"), "{}", error.text);
    }

    #[test]
    fn logging_everybody_out_needs_a_reason() {
        assert!(require_reason("", false, "ip_reason").is_ok());
        assert!(require_reason("", true, "ip_reason").is_err());
        assert!(require_reason("a new office", true, "ip_reason").is_ok());
    }
}
