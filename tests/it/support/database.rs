//! A database for each test: a copy of one that was set up once, through the command line, with the workspaces `acme` and
//! `globex`, an owner for each, the trusted domain `corp.test` and a SCIM token for each.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use tempfile::TempDir;

use super::cli::Cli;
use super::{postgres, run};

/// The password of everybody in these tests.
pub const PASSWORD: &str = "kT7-vQe2-Lmz9-Wb4x-Rn6p";
/// The owner of `acme`.
pub const OWNER: &str = "owner@corp.test";
/// The owner of `globex`.
pub const OTHER_OWNER: &str = "owner@globex.test";

const FILE: &str = "curfew.db";

/// Which database a test runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Database {
    Sqlite,
    Postgres,
}

/// A test's own database and data folder.
pub struct Home {
    pub database: Database,
    pub url: String,
    /// A SCIM token of `acme`.
    pub scim_token: String,
    /// A SCIM token of `globex`.
    pub other_scim_token: String,
    folder: TempDir,
}

struct Template {
    folder: PathBuf,
    scim_token: String,
    other_scim_token: String,
}

impl Home {
    pub fn new(database: Database) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let template = template(database);
        let folder = run::temporary("test-");
        copy(&template.folder, folder.path());
        let url = match database {
            Database::Sqlite => sqlite_url(folder.path()),
            Database::Postgres => {
                let name = format!("test_{}", COUNT.fetch_add(1, Ordering::Relaxed));
                postgres::cluster().create(&name, Some(TEMPLATE_NAME));
                postgres::cluster().url(&name)
            }
        };
        Self {
            database,
            url,
            scim_token: template.scim_token.clone(),
            other_scim_token: template.other_scim_token.clone(),
            folder,
        }
    }

    /// In a new database of a server that the test brings, set up from nothing.
    pub fn on(cluster: &postgres::Cluster) -> Self {
        let folder = run::temporary("test-");
        cluster.create(OWN_NAME, None);
        let url = cluster.url(OWN_NAME);
        let (scim_token, other_scim_token) = fill(&Cli::new(&url, folder.path()));
        Self { database: Database::Postgres, url, scim_token, other_scim_token, folder }
    }

    /// Goes on with the same data on another server, which has taken the first one's place.
    pub fn move_to(&mut self, cluster: &postgres::Cluster) {
        self.url = cluster.url(OWN_NAME);
    }

    /// Where an embedded database and generated keys are.
    pub fn data_dir(&self) -> &Path {
        self.folder.path()
    }

    /// Switches off the brake on many who lose access at once, for a scenario that isn't about it. No server runs yet.
    pub async fn without_hold(&self) {
        let db = curfew::db::Db::open(&self.url).await.expect("the database opens");
        let sql = "UPDATE policy SET deprovision_hold_count = 0, deprovision_hold_percent = 0";
        db.write_one(sql, Vec::new()).await.expect("a statement that can be carried out");
        db.close().await;
    }

    /// The program against this database.
    pub fn cli(&self) -> Cli {
        Cli::new(&self.url, self.data_dir())
    }
}

const TEMPLATE_NAME: &str = "curfew_template";
/// Of the database on a server that a test brings.
pub const OWN_NAME: &str = "curfew_own";

fn template(database: Database) -> &'static Template {
    static SQLITE: OnceLock<Result<Template, String>> = OnceLock::new();
    static POSTGRES: OnceLock<Result<Template, String>> = OnceLock::new();
    let cell = match database {
        Database::Sqlite => &SQLITE,
        Database::Postgres => &POSTGRES,
    };
    let made = cell
        .get_or_init(|| std::panic::catch_unwind(|| set_up(database)).map_err(|_| "see the first failure".to_owned()));
    made.as_ref().unwrap_or_else(|error| panic!("the {database:?} database could not be set up: {error}"))
}

fn set_up(database: Database) -> Template {
    let folder = run::folder().join(format!("template-{database:?}"));
    std::fs::create_dir(&folder).expect("the run's folder is writable");
    let url = match database {
        Database::Sqlite => sqlite_url(&folder),
        Database::Postgres => {
            postgres::cluster().create(TEMPLATE_NAME, None);
            postgres::cluster().url(TEMPLATE_NAME)
        }
    };
    let (scim_token, other_scim_token) = fill(&Cli::new(&url, &folder));
    Template { folder, scim_token, other_scim_token }
}

/// Both workspaces with what belongs to them; gives their SCIM tokens.
fn fill(cli: &Cli) -> (String, String) {
    create_workspace(cli, "acme", "Acme", OWNER);
    create_workspace(cli, "globex", "Globex", OTHER_OWNER);
    cli.run(&["domain", "add", "--workspace", "acme", "corp.test", "--trust"]).succeeded();
    (create_scim_token(cli, "acme"), create_scim_token(cli, "globex"))
}

fn create_workspace(cli: &Cli, slug: &str, name: &str, owner: &str) {
    let arguments =
        ["workspace", "create", slug, "--name", name, "--owner", owner, "--password-file", "-", "--output", "json"];
    cli.run_with_input(&arguments, PASSWORD).succeeded();
}

fn create_scim_token(cli: &Cli, slug: &str) -> String {
    let created =
        cli.run(&["scim-token", "create", "--workspace", slug, "--name", "test", "--output", "json"]).succeeded();
    created.json()["token"].as_str().expect("a new token is printed").to_owned()
}

fn sqlite_url(folder: &Path) -> String {
    format!("sqlite://{}", folder.join(FILE).display())
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).expect("the template is there") {
        let entry = entry.expect("the template is readable");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            std::fs::create_dir(&target).expect("our own folder");
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("our own folder");
        }
    }
}
