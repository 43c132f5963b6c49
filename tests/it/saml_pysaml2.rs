//! A real pysaml2 as identity provider, with its own sign-in form. On both databases the sign-in; what concerns its messages
//! alone, on one.

use crate::support::identity_provider::{IdentityProvider, Kind};
use crate::support::provider_scenarios;
use crate::support::{Database, TestApp};

on_both_databases! {
    async fn pysaml2_signs_in(app: TestApp) {
        provider_scenarios::signs_in(&app, Kind::Pysaml2).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pysaml2_encrypts_to_us() {
    provider_scenarios::encrypts(&TestApp::on(Database::Sqlite).await, Kind::Pysaml2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pysaml2_changes_its_certificate() {
    provider_scenarios::rolls_over(&TestApp::on(Database::Sqlite).await, Kind::Pysaml2).await;
}

/// Left to itself it encrypts with 3DES, which has no place here any more.
#[tokio::test(flavor = "multi_thread")]
async fn pysaml2_with_its_old_cipher_is_refused() {
    let app = TestApp::on(Database::Sqlite).await;
    let provider = IdentityProvider::start(Kind::Pysaml2, &app).await;
    provider_scenarios::trust(&app, &app.owner_token().await, &provider.metadata().await, "optional").await;
    provider.write("encrypt-as-ever", "");
    provider_scenarios::refused(&app, &provider, "encryption.cipher").await;
}
