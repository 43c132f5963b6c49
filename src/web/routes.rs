//! Which address leads to which room.

use std::sync::Arc;

use poem::endpoint::BoxEndpoint;
use poem::{Endpoint, EndpointExt, IntoEndpoint, Response, Route, get, post};

use super::{health, openapi};
use crate::app::App;
use crate::{console, forward_auth, saml, scim, security, signing};

/// Everything that the public listener serves.
pub fn routes(app: &Arc<App>) -> BoxEndpoint<'static, Response> {
    let api = openapi::service(&app.config.public_url);
    let route = forward_auth_routes(Route::new())
        .at("/openapi.json", get(openapi::show_document))
        .at("/docs", get(openapi::show_page))
        .at("/.well-known/jwks.json", get(signing::http::show_keys))
        .at("/problems/:slug", get(openapi::show_problem))
        .nest("/scim/v2", scim_routes().around(scim::admit_http::admit))
        .at("/oauth2/token", post(security::oauth::http::issue))
        .nest_no_strip("/api/v1", api)
        .at("/saml/:slug/metadata", get(saml::http::show_metadata))
        .at("/saml/:slug/signing.pem", get(saml::own_certificate_http::show_signing))
        .at("/saml/:slug/encryption.pem", get(saml::own_certificate_http::show_encryption))
        .at("/saml/:slug/login", get(saml::http::begin_sign_in))
        .at("/saml/:slug/send", get(saml::http::send_again))
        .at("/saml/:slug/acs", post(saml::http::end_sign_in))
        .at("/saml/:slug/slo", get(saml::logout_http::take_redirect).post(saml::logout_http::take_post));
    console::routes(route).map_to_response().boxed()
}

/// What the admin listener serves.
pub fn admin_routes() -> BoxEndpoint<'static, Response> {
    Route::new()
        .at("/healthz", get(health::healthz))
        .at("/livez", get(health::healthz))
        .at("/readyz", get(health::readyz))
        .at("/metrics", get(health::metrics))
        .map_to_response()
        .boxed()
}

/// One endpoint for each proxy's convention. Envoy asks with the method of the request that it asks about, the others by GET.
fn forward_auth_routes(route: Route) -> Route {
    route
        .at("/forward-auth/nginx", get(forward_auth::http::judge_for_nginx))
        .at("/forward-auth/traefik", get(forward_auth::http::judge_for_traefik))
        .at("/forward-auth/caddy", get(forward_auth::http::judge_for_caddy))
        .at("/forward-auth/caddy-for/:audience", get(forward_auth::http::judge_for_caddy_with_audience))
        .at("/forward-auth/envoy", forward_auth::http::judge_for_envoy)
        .at("/forward-auth/envoy/*rest", forward_auth::http::judge_for_envoy)
        .at("/forward-auth/envoy-for/:audience/*rest", forward_auth::http::judge_for_envoy_with_audience)
        .at("/forward-auth/haproxy", get(forward_auth::http::judge_for_haproxy))
}

fn scim_routes() -> impl Endpoint {
    Route::new()
        .at("/Users", get(scim::http::list_users).post(scim::http::create_user))
        .at(
            "/Users/:id",
            get(scim::http::get_user)
                .put(scim::http::replace_user)
                .patch(scim::http::patch_user)
                .delete(scim::http::delete_user),
        )
        .at("/Users/.search", post(scim::http::search_users))
        .at("/Groups/.search", post(scim::http::search_groups))
        .at("/.search", post(scim::search_http::search_all))
        .at("/", get(scim::search_http::list_all))
        .at("/Groups", get(scim::http::list_groups).post(scim::http::create_group))
        .at(
            "/Groups/:id",
            get(scim::http::get_group)
                .put(scim::http::replace_group)
                .patch(scim::http::patch_group)
                .delete(scim::http::delete_group),
        )
        .at("/Bulk", post(scim::http::carry_out_bulk))
        .at("/ServiceProviderConfig", get(scim::http::describe))
        .at("/ResourceTypes", get(scim::http::describe))
        .at("/ResourceTypes/:id", get(scim::http::describe))
        .at("/Schemas", get(scim::http::describe))
        .at("/Schemas/:urn", get(scim::http::describe))
        .at("/Me", scim::http::nobody)
        // Not `/*rest`, which the root would be part of.
        .at("/:first", scim::http::nothing)
        .at("/:first/*rest", scim::http::nothing)
        .into_endpoint()
}
