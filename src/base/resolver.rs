//! DNS, injected: the texts that prove a domain, and the addresses of a host that this process is about to call. A running
//! server asks the system's name servers, tests ask a table. Nothing is remembered here: who asks wants to know how it is now.

use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Mutex;
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::LookupIpStrategy;
use hickory_resolver::net::NetError;
use hickory_resolver::proto::rr::RData;

/// DNS did not answer. That a name or a record doesn't exist is an answer: an empty one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("DNS did not answer: {0}")]
pub struct NoAnswer(pub String);

/// What was found, on its way.
pub type Lookup<'a, T> = Pin<Box<dyn Future<Output = Result<Vec<T>, NoAnswer>> + Send + 'a>>;

/// A source of DNS records. Names are whole ones: no search list is tried.
pub trait Resolver: Send + Sync {
    /// The TXT records of a name, each joined from its parts.
    fn texts<'a>(&'a self, name: &'a str) -> Lookup<'a, String>;
    /// The A and AAAA records of a name.
    fn addresses<'a>(&'a self, name: &'a str) -> Lookup<'a, IpAddr>;
}

/// The name servers that the system is configured to ask. The configuration is read for each question: there are few.
pub struct SystemResolver;

/// For one name server to answer, before another is asked.
const PATIENCE: Duration = Duration::from_secs(2);

impl Resolver for SystemResolver {
    fn texts<'a>(&'a self, name: &'a str) -> Lookup<'a, String> {
        Box::pin(async move {
            let found = match resolver().map_err(no_answer)?.txt_lookup(whole(name)).await {
                Ok(found) => found,
                Err(error) if error.is_no_records_found() => return Ok(Vec::new()),
                Err(error) => return Err(no_answer(error)),
            };
            let texts = found.answers().iter().filter_map(|record| match &record.data {
                RData::TXT(text) => Some(String::from_utf8_lossy(&text.txt_data.concat()).into_owned()),
                _ => None,
            });
            Ok(texts.collect())
        })
    }

    fn addresses<'a>(&'a self, name: &'a str) -> Lookup<'a, IpAddr> {
        Box::pin(async move {
            match resolver().map_err(no_answer)?.lookup_ip(whole(name)).await {
                Ok(found) => Ok(found.iter().collect()),
                Err(error) if error.is_no_records_found() => Ok(Vec::new()),
                Err(error) => Err(no_answer(error)),
            }
        })
    }
}

fn resolver() -> Result<TokioResolver, NetError> {
    let mut builder = TokioResolver::builder_tokio()?;
    let options = builder.options_mut();
    options.timeout = PATIENCE;
    options.attempts = 1;
    options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
    builder.build()
}

/// With the dot at its end nothing of a search list is added.
fn whole(name: &str) -> String {
    format!("{}.", name.trim_end_matches('.'))
}

fn no_answer(error: NetError) -> NoAnswer {
    NoAnswer(error.to_string())
}

/// A table for tests. What isn't in it doesn't exist.
#[derive(Default)]
pub struct TableResolver {
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    texts: BTreeMap<String, Vec<String>>,
    addresses: BTreeMap<String, VecDeque<Vec<IpAddr>>>,
    questions: Vec<String>,
    silent: bool,
}

impl TableResolver {
    /// The TXT records of a name from now on.
    pub fn set_texts(&self, name: &str, texts: &[&str]) {
        let texts = texts.iter().map(|text| (*text).to_owned()).collect();
        self.table().texts.insert(name.to_owned(), texts);
    }

    /// The addresses of a name: one answer after the other, and the last one for ever.
    pub fn set_addresses(&self, name: &str, answers: &[&[IpAddr]]) {
        let answers = answers.iter().map(|answer| answer.to_vec()).collect();
        self.table().addresses.insert(name.to_owned(), answers);
    }

    /// Whether nothing is answered any more.
    pub fn set_silent(&self, silent: bool) {
        self.table().silent = silent;
    }

    /// How often a name was asked for.
    pub fn questions(&self, name: &str) -> usize {
        self.table().questions.iter().filter(|asked| *asked == name).count()
    }

    fn table(&self) -> std::sync::MutexGuard<'_, Table> {
        self.table.lock().expect("no holder of this lock can panic")
    }

    fn ask<T>(&self, name: &str, find: impl FnOnce(&mut Table) -> Vec<T>) -> Result<Vec<T>, NoAnswer> {
        let mut table = self.table();
        table.questions.push(name.to_owned());
        if table.silent {
            return Err(NoAnswer("the table is silent".to_owned()));
        }
        Ok(find(&mut table))
    }
}

impl Resolver for TableResolver {
    fn texts<'a>(&'a self, name: &'a str) -> Lookup<'a, String> {
        let found = self.ask(name, |table| table.texts.get(name).cloned().unwrap_or_default());
        Box::pin(std::future::ready(found))
    }

    fn addresses<'a>(&'a self, name: &'a str) -> Lookup<'a, IpAddr> {
        let found = self.ask(name, |table| match table.addresses.get_mut(name) {
            Some(answers) if answers.len() > 1 => answers.pop_front().unwrap_or_default(),
            Some(answers) => answers.front().cloned().unwrap_or_default(),
            None => Vec::new(),
        });
        Box::pin(std::future::ready(found))
    }
}
