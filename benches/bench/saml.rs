//! The lines about signing in with SAML: verification in this process, and whole sign-ins at a server.

use curfew::actor::Actor;
use curfew::base::clock::{Clock, SystemClock};
use curfew::workspaces::{NewWorkspace, create};

use super::load::alone;
use super::machine::Pinned;
use super::place::{Home, Kind};
use super::saml_provider::Provider;
use super::saml_sign_in::{SLUG, Trial};
use super::settings::Settings;
use super::stand::Stand;
use super::support::run;
use super::table::Table;
use super::{commit, saml_hostile, saml_peers, saml_sign_in, saml_verify, servers};

pub async fn measure(home: &Home, settings: &Settings, table: &mut Table) {
    let provider = Provider::make();
    // Neither verification nor the memory of a request knows of a database.
    let once = home.kind == Kind::Sqlite;
    if once {
        let trial = saml_verify::Trial::make(&provider, SystemClock::new().now());
        saml_verify::measure(&trial, settings, table);
        saml_peers::measure(&trial, &provider, settings, table);
    }
    prepare(home, &provider).await;
    let mut trial = Trial::new(Stand::start(home), home.kind, &provider, settings);
    let pinned = Pinned::here_and(trial.stand.process.id());
    alone(async {
        saml_sign_in::measure(&mut trial, table).await;
        if once {
            saml_hostile::measure(&mut trial, table).await;
        }
    });
    drop(pinned);
    trial.stand.stop();
}

/// A workspace that trusts the provider and the domain of its people; all of it as an operator does it.
async fn prepare(home: &Home, provider: &Provider) {
    let app = home.large.open().await;
    commit::prepare(&app).await;
    let new = NewWorkspace { slug: SLUG, name: SLUG, owner_email: "founder@saml.test", password_hash: None };
    create(&app, &Actor::cli(0), &new).await.expect("a workspace can be made");
    app.db.close().await;
    let metadata = run::folder().join(format!("{}-idp-metadata.xml", home.kind.name()));
    std::fs::write(&metadata, provider.metadata()).expect("the run's folder is writable");
    servers::curfew(&home.large, &["domain", "add", "saml.test", "--trust", "--workspace", SLUG]);
    let metadata = metadata.display().to_string();
    servers::curfew(&home.large, &["saml", "import", "--metadata", &metadata, "--workspace", SLUG]);
}
