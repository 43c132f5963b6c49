//! The databases of a bench: a large one and a small one, each with its own folder.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use curfew::app::App;
use curfew::args;
use curfew::base::clock::SystemClock;
use curfew::base::random::SystemRandom;
use curfew::config::Config;
use curfew::error::Result;
use curfew::policy::ip_allowlist::{Network, parse_network};

use super::people::{Crowd, Seen};
use super::scim_people::Provisioned;
use super::settings::{Line, Settings};
use super::support::{postgres, run};
use super::table::progress;
use super::{seed, seed_scim};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Sqlite,
    Postgres,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        }
    }
}

/// A database.
pub struct Place {
    pub url: String,
    pub data: PathBuf,
}

impl Place {
    fn new(kind: Kind, name: &str) -> Self {
        let data = run::folder().join(format!("{}-{name}", kind.name()));
        std::fs::create_dir(&data).expect("the run's folder is writable");
        let url = match kind {
            Kind::Sqlite => format!("sqlite://{}", data.join("curfew.db").display()),
            Kind::Postgres => {
                let database = format!("bench_{name}");
                postgres::cluster().create(&database, None);
                postgres::cluster().url(&database)
            }
        };
        Self { url, data }
    }

    /// In this process. It is no replica unless somebody follows.
    pub async fn open(&self) -> Arc<App> {
        let settings = Config {
            database_url: self.url.clone(),
            data_dir: self.data.clone(),
            replica_name: "bench".into(),
            ..Config::default()
        };
        App::open(settings, Arc::new(SystemClock::new()), Arc::new(SystemRandom)).await.expect("our own database opens")
    }
}

/// The databases, and who is in them.
pub struct Home {
    pub kind: Kind,
    /// Of the database.
    pub version: String,
    pub large: Place,
    pub small: Place,
    /// A million live sessions, ten to a user.
    pub everybody: Crowd,
    /// More sessions of the same people, to be ended one after the other.
    pub leaving: Crowd,
    /// Sessions in the same workspace whose next use is to be noted.
    pub unseen: Crowd,
    /// Other workspaces in the same database, for revoking everybody: from the smallest to the largest.
    pub sizes: Vec<Crowd>,
    /// People of an identity provider, in a workspace of their own; only if a line is about them.
    pub provisioned: Option<Provisioned>,
    /// Of the small database.
    pub few: Crowd,
}

impl Home {
    pub async fn make(kind: Kind, settings: &Settings) -> Self {
        let (large, small) = (Place::new(kind, "large"), Place::new(kind, "small"));
        let all = settings.sessions;
        let begun = Instant::now();
        let app = small.open().await;
        let few = seed::workspace(&app, "few", 0, all / 1_000).await;
        seed::fill(&app, &[&few]).await;
        app.db.close().await;
        let app = large.open().await;
        let version = version(&app).await.expect("a database says what it is");
        let everybody = seed::workspace(&app, "everybody", 1, all).await;
        let more = |series, sessions, seen| Crowd { series, sessions, seen, ..everybody.clone() };
        let leaving = more(2, all / 200, Seen::JustNow);
        let unseen = more(3, all / 12, Seen::Earlier);
        let mut sizes = vec![
            seed::workspace(&app, "thousandth", 4, all / 1_000).await,
            seed::workspace(&app, "tenth", 5, all / 10).await,
        ];
        let mut crowds = vec![&everybody, &leaving, &unseen];
        let ten_fold = if settings.full && kind == Kind::Postgres {
            Some(seed::workspace(&app, "ten-fold", 6, all * 10).await)
        } else {
            None
        };
        crowds.extend(sizes.iter().chain(&ten_fold));
        seed::fill(&app, &crowds).await;
        let provisioned = match settings.wants(Line::Scim) {
            true => Some(seed_scim::people(&app, all / 10).await),
            false => None,
        };
        app.db.close().await;
        sizes.push(everybody.clone());
        sizes.extend(ten_fold);
        for place in [&small, &large] {
            seed::settle(kind, place).await;
        }
        progress(&format!("  seeded in {:.0} s", begun.elapsed().as_secs_f64()));
        Self { kind, version, large, small, everybody, leaving, unseen, sizes, provisioned, few }
    }
}

async fn version(app: &App) -> Result<String> {
    let sql = match app.db.is_postgres() {
        true => "SELECT current_setting('server_version') AS version",
        false => "SELECT sqlite_version() AS version",
    };
    app.db.read().await?.one(sql, args![]).await?.text("version")
}

/// A thousand networks that don't touch each other, so that they stay a thousand.
pub fn networks() -> Vec<Network> {
    let four = (0..900).map(|number| format!("10.{}.{}.0/24", number / 100, number % 100 * 2));
    let six = (0..100).map(|number| format!("2001:db8:{:x}::/48", number * 2));
    let network = |text: String| Network { cidr: parse_network(&text).expect("a network"), label: "office".to_owned() };
    four.chain(six).map(network).collect()
}

/// Addresses of clients inside these networks, all over them.
pub fn addresses() -> Vec<IpAddr> {
    let four = (0..230).map(|number| format!("10.{}.{}.{}", number % 9, number * 7 % 100 * 2, number + 1));
    let six = (0..26).map(|number| format!("2001:db8:{:x}::{number:x}", number * 6));
    four.chain(six).map(|text| text.parse().expect("an address")).collect()
}
