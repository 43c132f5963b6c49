//! A real SimpleSAMLphp as identity provider, with its own sign-in form. On both databases the sign-in; what concerns its messages
//! alone, on one.

use crate::support::identity_provider::Kind;
use crate::support::provider_scenarios;
use crate::support::{Database, TestApp};

on_both_databases! {
    async fn simplesamlphp_signs_in(app: TestApp) {
        provider_scenarios::signs_in(&app, Kind::SimpleSamlPhp).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn simplesamlphp_encrypts_to_us() {
    provider_scenarios::encrypts(&TestApp::on(Database::Sqlite).await, Kind::SimpleSamlPhp).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn simplesamlphp_changes_its_certificate() {
    provider_scenarios::rolls_over(&TestApp::on(Database::Sqlite).await, Kind::SimpleSamlPhp).await;
}
