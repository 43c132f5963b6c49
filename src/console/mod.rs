//! The console: the pages of the people who run a workspace, and the sign-in pages in front of them.
//!
//! A page is a view struct with plain owned fields and a template under `templates/`. Its title, navigation and
//! messages are [`Page`], which every view carries as `page`. Views deliberately know no SQL, HTTP, clock or
//! decision: a handler calls operations and fills one view. The handlers of a view are in the file of the same name under
//! `handlers/`.

pub mod assets;
pub mod audit;
pub mod caller;
pub mod chrome;
pub mod confirm;
pub mod device;
pub mod domains;
pub mod error;
pub mod flash;
pub mod form;
pub mod handlers;
pub mod log_all_users_out;
pub mod overview;
pub mod parts;
pub mod saml_attempts;
pub mod saml_logout;
pub mod saml_providers;
pub mod saml_setup;
pub mod scim;
pub mod security;
pub mod sessions;
pub mod sign_in;
pub mod sso;
pub mod users;

use poem::{Route, get, post};

use parts::Tone;

/// What surrounds every page: title, who is signed in, navigation, messages.
pub struct Page {
    /// First part of `<title>`, for example `Sessions`.
    pub title: String,
    /// Display name of the workspace; empty while none is known.
    pub workspace_name: String,
    /// Who is signed in; `None` on sign-in and error pages.
    pub user: Option<CurrentUser>,
    /// Token that every form on the page posts back as `csrf`.
    pub csrf: String,
    /// Outcome of the request that led here, shown once.
    pub flash: Option<Flash>,
    /// What was wrong with a posted form; the summary at the top of the page.
    pub errors: Vec<FieldError>,
    /// From [`navigation`]; empty hides the menu.
    pub navigation: Vec<NavigationLink>,
    /// True in `curfew demo`: a banner says that the data are thrown away.
    pub demo: bool,
    /// Changes whenever a static file changes; appended to their addresses.
    pub asset_version: String,
}

/// The signed-in person, as the page chrome names them.
#[derive(Debug, Clone)]
pub struct CurrentUser {
    /// Display name, or the e-mail address if there is none.
    pub label: String,
    /// `owner`, `admin` or `member`.
    pub role: String,
}

/// One message about what just happened.
#[derive(Debug, Clone)]
pub struct Flash {
    /// Colour and urgency.
    pub tone: Tone,
    /// One or two plain sentences.
    pub text: String,
}

impl Flash {
    /// ARIA role: `alert` for danger, `status` otherwise.
    pub fn role(&self) -> &'static str {
        self.tone.role()
    }
}

/// One entry of the error summary.
#[derive(Debug, Clone)]
pub struct FieldError {
    /// Id of the input that it is about: its field name, except `ip_reason` and `saml_reason` on the Security page.
    /// Empty if it is about the whole form.
    pub field: String,
    /// What is wrong and how to put it right.
    pub text: String,
}

/// One link of the main menu.
#[derive(Debug, Clone)]
pub struct NavigationLink {
    /// What it says.
    pub label: &'static str,
    /// Path on our origin.
    pub href: &'static str,
    /// True for the section that the page belongs to.
    pub current: bool,
}

/// A section of the console, in the order of the menu.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// `/console`
    Overview,
    /// `/console/sessions`
    Sessions,
    /// `/console/users`
    Users,
    /// `/console/security`
    Security,
    /// `/console/scim`
    Provisioning,
    /// `/console/audit`
    Audit,
}

/// Section, label, path, and whether members see it too.
const MENU: [(Section, &str, &str, bool); 6] = [
    (Section::Overview, "Overview", "/console", true),
    (Section::Sessions, "Sessions", "/console/sessions", true),
    (Section::Users, "Users", "/console/users", false),
    (Section::Security, "Security", "/console/security", false),
    (Section::Provisioning, "Provisioning", "/console/scim", false),
    (Section::Audit, "Audit log", "/console/audit", false),
];

/// The main menu as somebody on a page of `current` sees it; members get the sections about themselves only.
pub fn navigation(current: Section, administrator: bool) -> Vec<NavigationLink> {
    MENU.into_iter()
        .filter(|(_, _, _, for_members)| administrator || *for_members)
        .map(|(section, label, href, _)| NavigationLink { label, href, current: section == current })
        .collect()
}

/// Adds the addresses of the console.
pub fn routes(route: Route) -> Route {
    use handlers::{
        audit, end_sessions, log_all_users_out, overview, provisioning_hold, scim, sessions, user_access, users,
    };

    let route = saml_routes(security_routes(sign_in_routes(route)))
        .at("/", get(overview::enter))
        .at("/static/:name", get(assets::show))
        .at("/console", get(overview::show))
        .at("/console/sessions", get(sessions::show))
        .at("/console/sessions/end", get(end_sessions::confirm).post(end_sessions::carry_out))
        .at("/console/sessions/:id/log-out", post(sessions::log_out))
        .at("/console/users", get(users::show))
        .at("/console/users/:id/log-out", get(user_access::confirm_log_out).post(user_access::log_out))
        .at("/console/users/:id/suspend", get(user_access::confirm_suspension).post(user_access::suspend))
        .at("/console/users/:id/reactivate", post(user_access::reactivate));
    let log_out = "/console/security/log-all-users-out";
    route
        .at(log_out, get(log_all_users_out::confirm).post(log_all_users_out::carry_out))
        .at(format!("{log_out}/:sequence"), get(log_all_users_out::show_receipt))
        .at("/console/scim", get(scim::show))
        .at("/console/scim/tokens", get(scim::back).post(scim::create_token))
        .at("/console/scim/tokens/:id/rotate", get(scim::ask_overlap).post(scim::rotate_token))
        .at("/console/scim/tokens/:id/revoke", get(scim::confirm_revocation).post(scim::revoke_token))
        .at("/console/scim/hold/approve", get(provisioning_hold::confirm).post(provisioning_hold::approve))
        .at("/console/audit", get(audit::show))
        .at("/console/audit/verify", get(audit::verify))
}

fn sign_in_routes(route: Route) -> Route {
    use handlers::{reauthenticate, set_up, sign_in};

    route
        .at("/login", get(sign_in::show_email).post(sign_in::choose_way))
        .at("/login/password", get(sign_in::begin_again).post(sign_in::enter_password))
        .at("/logout", post(sign_in::log_out))
        .at("/setup/:token", get(set_up::show_form).post(set_up::choose_password))
        .at("/console/reauthenticate", get(reauthenticate::show).post(reauthenticate::prove))
}

fn security_routes(route: Route) -> Route {
    use handlers::{domains, identity_provider, ip_allowlist, policy, saml_attempts, security};

    route
        .at("/console/security", get(security::show))
        .at("/console/security/policy", get(security::back).post(policy::save))
        .at("/console/security/ip-allowlist", get(security::back).post(ip_allowlist::save))
        .at("/console/security/domains", get(security::back).post(domains::add))
        .at("/console/security/domains/:domain/verify", get(security::back).post(domains::verify))
        .at("/console/security/domains/:domain/remove", get(domains::confirm_removal).post(domains::remove))
        .at("/console/security/saml", get(security::back).post(identity_provider::save))
        .at("/console/security/saml/attempts", get(saml_attempts::show_list))
        .at("/console/security/saml/attempts/:id", get(saml_attempts::show))
        .at("/console/security/saml/test", get(security::back).post(saml_attempts::begin_test))
}

/// Identity providers, and the set-up links by which an IT contact makes one.
fn saml_routes(route: Route) -> Route {
    use handlers::{saml_provider, saml_provider_settings, saml_provider_state, saml_providers, saml_setup};
    use handlers::{saml_setup_links, security};

    let all = "/console/security/saml/providers";
    let links = "/console/security/saml/setup-links";
    let setup = "/saml/:slug/setup";
    let metadata = get(saml_provider::ask_metadata).post(saml_provider::replace_metadata);
    let enforcement = get(saml_provider_settings::show_enforcement).post(saml_provider_settings::enforce);
    route
        .at(all, get(saml_providers::show_list))
        .at(format!("{all}/new"), get(saml_providers::choose_product))
        .at(format!("{all}/new/:product"), get(saml_providers::show_values))
        .at(format!("{all}/new/:product/metadata"), get(saml_providers::ask_metadata).post(saml_providers::create))
        .at(format!("{all}/:id"), get(saml_provider::show))
        .at(format!("{all}/:id/metadata"), metadata)
        .at(format!("{all}/:id/vouch"), get(security::back).post(saml_provider::vouch))
        .at(format!("{all}/:id/settings"), get(saml_provider_settings::show).post(saml_provider_settings::apply))
        .at(format!("{all}/:id/enforcement"), enforcement)
        .at(format!("{all}/:id/on"), get(saml_provider_state::confirm_on).post(saml_provider_state::switch_on))
        .at(format!("{all}/:id/off"), get(saml_provider_state::confirm_off).post(saml_provider_state::switch_off))
        .at(format!("{all}/:id/delete"), get(saml_provider_state::confirm_deletion).post(saml_provider_state::delete))
        .at(links, get(saml_setup_links::show).post(saml_setup_links::create))
        .at(format!("{links}/:id/revoke"), get(saml_setup_links::confirm_revocation).post(saml_setup_links::revoke))
        .at(setup, get(saml_setup::ask_code).post(saml_setup::open))
        .at(format!("{setup}/provider"), get(saml_setup::show))
        .at(format!("{setup}/metadata"), get(saml_setup::back).post(saml_setup::upload))
        .at(format!("{setup}/test"), get(saml_setup::back).post(saml_setup::begin_test))
        .at(format!("{setup}/attempts/:id"), get(saml_setup::show_attempt))
}
