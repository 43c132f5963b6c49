//! `POST /console/security/policy`: lifetimes, ways to sign in, and what a change of settings does to sessions.

use poem::http::StatusCode;
use poem::{Request, Response, handler};

use super::security::{HOME, Refused, page};
use super::sso;
use crate::base::ids::GroupId;
use crate::console::FieldError;
use crate::console::caller::posted_by_administrator;
use crate::console::chrome::{go, sentence, status_of, wrong};
use crate::console::flash::Told;
use crate::console::form::Fields;
use crate::console::parts::DurationField;
use crate::console::security::PolicyForm;
use crate::error::{Error, INVALID_REQUEST, PRECONDITION_FAILED, Result, WOULD_LOCK_OUT_CALLER};
use crate::policy::model::{OnChange, Policy};
use crate::policy::provisioning::Provisioning;
use crate::security::change_policy::change;
use crate::security::http::{on_change, on_saml_change};
use crate::users::access_groups;
use crate::web::json::if_match;

/// The form with what is saved.
pub fn form(policy: &Policy, provisioning: &Provisioning, access_groups: String, saml_configured: bool) -> PolicyForm {
    let duration =
        |milliseconds: i64| DurationField::from_seconds(u64::try_from(milliseconds / 1000).unwrap_or_default());
    PolicyForm {
        etag: format!("\"{}\"", policy.version),
        absolute_lifetime: duration(policy.absolute_ms),
        idle_timeout: duration(policy.idle_ms),
        sign_in_password: policy.password_allowed,
        sign_in_saml: policy.saml_allowed,
        saml_configured,
        just_in_time_users: policy.just_in_time,
        on_saml_change: policy.on_saml_change,
        log_out_on_ip_allowlist_change: policy.on_ip_allowlist_change == OnChange::LogAllUsersOut,
        access_groups,
        link_by_verified_email: provisioning.link_by_verified_email,
        deprovision_hold_count: provisioning.deprovision_hold_count.to_string(),
        deprovision_hold_percent: provisioning.deprovision_hold_percent.to_string(),
    }
}

/// `POST /console/security/policy`.
#[handler]
pub async fn save(request: &Request, sent: Vec<u8>) -> poem::Result<Response> {
    let (caller, fields) = posted_by_administrator(request, &sent, HOME).await?;
    let version = if_match(Some(fields.text("if_match")))?;
    let typed = typed(&fields, sso::is_configured(&caller).await?);
    let saved = match access_groups::read_lines(&caller.app, &caller.facts.workspace.id, &typed.access_groups).await {
        Ok(groups) => {
            let merge = |before: &Policy, _: &Provisioning| {
                Ok((wanted(&typed, before)?, wanted_provisioning(&typed, &groups)?))
            };
            change(&caller.app, &caller.actor, &caller.facts, merge, version).await
        }
        Err(error) => Err(error),
    };
    let error = match saved {
        Ok(_) => return Ok(go(&caller.app, HOME, Told::PolicySaved)),
        Err(error) => error,
    };
    let refused = match error.problem() {
        // What somebody else saved is shown, not what was typed over it.
        PRECONDITION_FAILED => Refused {
            status: StatusCode::PRECONDITION_FAILED,
            errors: vec![wrong(
                "",
                "Somebody changed the policy meanwhile. This is what holds now: look at it, then make your change again.",
            )],
            ..Refused::default()
        },
        INVALID_REQUEST => Refused {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            errors: vec![explained(&error)],
            policy: Some(typed),
            ..Refused::default()
        },
        WOULD_LOCK_OUT_CALLER => Refused {
            status: status_of(&error),
            errors: vec![explained(&error)],
            policy: Some(typed),
            ..Refused::default()
        },
        _ => return Err(error.into()),
    };
    Ok(page(request, &caller, refused).await?)
}

fn typed(fields: &Fields, saml_configured: bool) -> PolicyForm {
    let duration = |amount: &str, unit: &str| DurationField {
        amount: fields.text(amount).to_owned(),
        unit: fields.text(unit).to_owned(),
    };
    PolicyForm {
        etag: fields.text("if_match").to_owned(),
        absolute_lifetime: duration("absolute_lifetime", "absolute_lifetime_unit"),
        idle_timeout: duration("idle_timeout", "idle_timeout_unit"),
        sign_in_password: fields.ticked("sign_in_password"),
        sign_in_saml: fields.ticked("sign_in_saml"),
        saml_configured,
        just_in_time_users: fields.ticked("just_in_time_users"),
        on_saml_change: chosen_for_saml(fields, "on_saml_change"),
        log_out_on_ip_allowlist_change: chosen(fields, "on_ip_allowlist_change"),
        access_groups: fields.text("access_groups").to_owned(),
        link_by_verified_email: fields.ticked("link_by_verified_email"),
        deprovision_hold_count: fields.text("deprovision_hold_count").to_owned(),
        deprovision_hold_percent: fields.text("deprovision_hold_percent").to_owned(),
    }
}

/// Whether a field that says what becomes of sessions says that all end. What can't be read ends nothing.
pub fn chosen(fields: &Fields, name: &'static str) -> bool {
    on_change(name, fields.get(name)).is_ok_and(|choice| choice == Some(OnChange::LogAllUsersOut))
}

/// What a field says that becomes of sessions when single sign-on changes. What can't be read ends nothing.
pub fn chosen_for_saml(fields: &Fields, name: &'static str) -> OnChange {
    on_saml_change(name, fields.get(name)).ok().flatten().unwrap_or(OnChange::Keep)
}

/// A choice as the operations take it.
pub fn on_change_of(log_all_users_out: bool) -> OnChange {
    if log_all_users_out { OnChange::LogAllUsersOut } else { OnChange::Keep }
}

fn wanted(typed: &PolicyForm, before: &Policy) -> Result<Policy> {
    Ok(Policy {
        absolute_ms: milliseconds("absolute_lifetime_seconds", &typed.absolute_lifetime)?,
        idle_ms: milliseconds("idle_timeout_seconds", &typed.idle_timeout)?,
        password_allowed: typed.sign_in_password,
        saml_allowed: typed.sign_in_saml,
        just_in_time: typed.just_in_time_users,
        on_saml_change: typed.on_saml_change,
        on_ip_allowlist_change: on_change_of(typed.log_out_on_ip_allowlist_change),
        version: before.version,
    })
}

fn wanted_provisioning(typed: &PolicyForm, groups: &[GroupId]) -> Result<Provisioning> {
    let number = |field: &'static str, text: &str| {
        text.parse::<i64>().map_err(|_| Error::invalid(field, "must be a whole number"))
    };
    Ok(Provisioning {
        access_groups: groups.to_vec(),
        link_by_verified_email: typed.link_by_verified_email,
        deprovision_hold_count: number("deprovision_hold_count", &typed.deprovision_hold_count)?,
        deprovision_hold_percent: number("deprovision_hold_percent", &typed.deprovision_hold_percent)?,
    })
}

fn milliseconds(field: &'static str, typed: &DurationField) -> Result<i64> {
    let seconds = typed.to_seconds().and_then(|seconds| i64::try_from(seconds).ok());
    let bad = || Error::invalid(field, "must be a number of seconds, minutes, hours or days");
    seconds.and_then(|seconds| seconds.checked_mul(1000)).ok_or_else(bad)
}

fn explained(error: &Error) -> FieldError {
    match error.field() {
        Some("absolute_lifetime_seconds") => {
            wrong("absolute_lifetime", "The maximum age must be from 1 minute to 365 days.")
        }
        Some("idle_timeout_seconds") => {
            wrong("idle_timeout", "The idle time must be from 1 minute to the maximum age.")
        }
        Some("sign_in_methods") if error.problem() == INVALID_REQUEST => {
            wrong("sign_in_password", "People need at least one way to sign in.")
        }
        Some("sign_in_methods") => wrong("sign_in_password", sentence(error.detail())),
        Some("access_groups") => wrong("access_groups", format!("Groups that give access: {}.", error.detail())),
        Some("deprovision_hold_count") => {
            wrong("deprovision_hold_count", format!("The number of people {}.", error.detail()))
        }
        Some("deprovision_hold_percent") => {
            wrong("deprovision_hold_percent", format!("The share of people {}.", error.detail()))
        }
        _ => wrong("", sentence(error.detail())),
    }
}
