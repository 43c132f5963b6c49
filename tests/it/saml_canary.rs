//! Nothing in a SAML response makes the server connect or open anything: each hostile response that names an address names that of
//! a server and a FIFO that count their visitors. They are made anew for it, genuinely signed where that matters.

use std::sync::Arc;

use curfew::saml::gate;

use crate::support::canary::Canary;
use crate::support::consumer::Consumer;
use crate::support::corpus::Corpus;
use crate::support::saml::script;
use crate::support::{Database, programs, run};

/// The corpus of what wants to fetch something, from this canary.
fn corpus(canary: &Canary, folder: &std::path::Path) -> Corpus {
    let mut generate = script("corpus/generate.py");
    generate.arg("--out").arg(folder).arg("--canary").args(["--canary-url", &canary.url]);
    programs::run(generate.arg("--canary-file").arg(&canary.file));
    Corpus::open(folder)
}

on_both_databases! {
    async fn nothing_is_fetched(database: Database) {
        let folder = run::temporary("saml-canary-");
        let canary = Canary::start(&folder.path().join("fifo"));
        let corpus = Arc::new(corpus(&canary, &folder.path().join("corpus")));
        assert!(corpus.cases.len() >= 30, "{} cases name an address", corpus.cases.len());
        let mut consumer = Consumer::start(database, corpus.clone()).await;
        let (mut named, mut answered) = (0, 0);
        for case in &corpus.cases {
            let value = corpus.form_value(case);
            let xml = gate::decode(&value).unwrap_or_else(|refusal| panic!("{}: {refusal}", case.name));
            let text = String::from_utf8_lossy(&xml);
            named += usize::from(text.contains(&canary.url) || text.contains(&*canary.file.to_string_lossy()));
            let found = corpus.judge(case).map_err(|refusal| refusal.check);
            assert_eq!(found.err(), case.verdict(), "{}", case.name);
            consumer.trust(case.provider.as_deref()).await;
            let outcome = consumer.post(&value, "").await;
            answered += usize::from((300..500).contains(&outcome.reply.status));
            assert_eq!(canary.visits(), 0, "{} made us fetch something", case.name);
        }
        assert_eq!((named, answered), (corpus.cases.len(), corpus.cases.len()));
    }
}
