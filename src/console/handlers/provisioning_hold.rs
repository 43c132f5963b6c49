//! `/console/scim/hold/approve`: deprovisioning that waits because too many would lose access at once, and its approval.

use poem::http::StatusCode;
use poem::{Request, Response, handler};

use crate::console::Section;
use crate::console::caller::{posted_by_administrator, recent_administrator};
use crate::console::chrome::{answer, go, page};
use crate::console::confirm::ConfirmPage;
use crate::console::flash::Told;
use crate::console::parts::{Count, Moment};
use crate::console::scim::HoldBanner;
use crate::error::Result;
use crate::users::hold;
use crate::web::authenticate::Caller;

const HOME: &str = "/console/scim";
const APPROVE: &str = "/console/scim/hold/approve";

/// What pages tell of it; `None` if nothing waits.
pub async fn banner(caller: &Caller) -> Result<Option<HoldBanner>> {
    let found = hold::standing(&caller.app, &caller.facts.workspace.id).await?.hold;
    Ok(found.held_since.map(|since| HoldBanner {
        since: Moment::from_millis(since),
        requests: Count::of(found.held_requests, "request", "requests"),
    }))
}

/// `GET /console/scim/hold/approve`: asks first.
#[handler]
pub async fn confirm(request: &Request) -> poem::Result<Response> {
    let caller = recent_administrator(request).await?;
    let view = ConfirmPage {
        page: page(request, &caller, Section::Provisioning, "Approve deprovisioning"),
        heading: "Let the identity provider take access from many people?".into(),
        lead:
            "For an hour, everybody whom it deactivates, deletes or takes out of their groups is signed out at once, \
               however many they are. Look there first whether it means to."
                .into(),
        ends: vec!["Access and sessions of everybody whom it names".into()],
        stays: vec!["Everybody else".into(), "Owners".into()],
        action: APPROVE.into(),
        reason: None,
        button: "Approve for an hour".into(),
        cancel_url: HOME.into(),
    };
    Ok(answer(request, &caller, StatusCode::OK, &view)?)
}

/// `POST /console/scim/hold/approve`.
#[handler]
pub async fn approve(request: &Request, sent: Vec<u8>) -> poem::Result<Response> {
    let (caller, _) = posted_by_administrator(request, &sent, APPROVE).await?;
    hold::approve(&caller.app, &caller.actor, &caller.facts.workspace.id, None).await?;
    Ok(go(&caller.app, HOME, Told::DeprovisioningApproved))
}
