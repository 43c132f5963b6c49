//! `/api/v1/login`, `/reauthenticate`, `/logout`.

use poem::http::header;
use poem::{IntoResponse, Request, Response};
use poem_openapi::registry::{MetaResponses, Registry};
use poem_openapi::{ApiResponse, Object, OpenApi};
use serde::{Deserialize, Serialize};

use super::reauthenticate::reauthenticate;
use super::sign_in::{Credentials, sign_in};
use crate::app::App;
use crate::base::ids::{SessionId, WorkspaceId};
use crate::error::Result;
use crate::sessions::http::end_session;
use crate::sessions::list;
use crate::sessions::model::Trigger;
use crate::web::authenticate::{self, Caller};
use crate::web::json::{Answer, Body};
use crate::web::views::{HolderView, SessionView, TenantView, WhoView, who};

#[derive(Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(deny_unknown_fields)]
struct LoginBody {
    /// The workspace's slug.
    workspace: String,
    /// User name or e-mail address.
    email: String,
    password: String,
}

#[derive(Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(deny_unknown_fields)]
struct ReauthenticateBody {
    password: String,
}

/// A new session. The token is not shown again.
#[derive(Object, Serialize)]
struct LoginAnswer {
    token: String,
    session: SessionView,
    user: HolderView,
    workspace: TenantView,
}

/// A new session, in the body and as a cookie.
struct SignedIn {
    cookie: String,
    answer: LoginAnswer,
}

impl IntoResponse for SignedIn {
    fn into_response(self) -> Response {
        Answer::ok(self.answer).with_header(header::SET_COOKIE, self.cookie).into_response()
    }
}

impl ApiResponse for SignedIn {
    fn meta() -> MetaResponses {
        Answer::<LoginAnswer>::meta()
    }

    fn register(registry: &mut Registry) {
        Answer::<LoginAnswer>::register(registry);
    }
}

/// The session is gone, and so is its cookie.
struct SignedOut(String);

impl IntoResponse for SignedOut {
    fn into_response(self) -> Response {
        Response::builder()
            .status(poem::http::StatusCode::NO_CONTENT)
            .header(header::SET_COOKIE, self.0)
            .header("Clear-Site-Data", "\"cookies\", \"storage\"")
            .finish()
    }
}

impl ApiResponse for SignedOut {
    fn meta() -> MetaResponses {
        crate::web::json::no_content()
    }

    fn register(_registry: &mut Registry) {}
}

pub struct LoginApi;

#[OpenApi(prefix_path = "/api/v1")]
impl LoginApi {
    /// Sign in with a password
    ///
    /// Every failure has the same answer. A browser gets the session as a cookie, too.
    #[oai(path = "/login", method = "post", operation_id = "login")]
    async fn login(&self, request: &Request, body: Body<LoginBody>) -> poem::Result<SignedIn> {
        let app = authenticate::app(request)?;
        authenticate::require_same_origin(&app, request)?;
        let LoginBody { workspace, email, password } = &body.0;
        let credentials = Credentials { workspace, name: email, password };
        let (session, token) = sign_in(&app, &credentials, &authenticate::origin(request)).await?;
        let WhoView { session, user, workspace } = load(&app, &session.workspace, &session.id).await?;
        let cookie = authenticate::set_cookie(&app, token.reveal());
        Ok(SignedIn { cookie, answer: LoginAnswer { token: token.reveal().to_owned(), session, user, workspace } })
    }

    /// Prove again who you are
    ///
    /// Administrative changes need a sign-in not older than ten minutes; this renews the caller's. The token stays.
    #[oai(path = "/reauthenticate", method = "post", operation_id = "reauthenticate")]
    async fn reauthenticate(&self, caller: Caller, body: Body<ReauthenticateBody>) -> poem::Result<Answer<WhoView>> {
        reauthenticate(&caller.app, &caller.actor, &caller.facts, &body.0.password).await?;
        Ok(Answer::ok(load(&caller.app, &caller.facts.workspace.id, &caller.facts.session.id).await?))
    }

    /// End the caller's session
    ///
    /// An identity provider that signed the person in isn't told: that takes a browser, and the log-out of our pages.
    #[oai(path = "/logout", method = "post", operation_id = "logout")]
    async fn logout(&self, caller: Caller) -> poem::Result<SignedOut> {
        end_session(&caller, &caller.facts, Trigger::Logout, "the person logged out").await?;
        Ok(SignedOut(authenticate::clear_cookie(&caller.app)))
    }
}

async fn load(app: &App, workspace: &WorkspaceId, session: &SessionId) -> Result<WhoView> {
    Ok(who(&list::load(app, workspace, session).await?, Some(session)))
}
