//! A person with a browser that goes to other origins, too, as single sign-on wants: keeps cookies, follows redirects, and
//! posts forms as they stand on a page. Who stays on our own pages is in `pages.rs`.

use reqwest::{Client, Method};
use serde_json::Value;
use url::Url;

use super::TestApp;
use super::forms::{self, Form, Tag};
use super::http::{Reply, client, client_with_cookies, send};

/// Redirects in a row, and forms that post themselves, before it is a loop.
const HOPS: usize = 12;

pub struct Traveller {
    client: Client,
}

/// What the browser shows, and where it is.
pub struct Stop {
    pub url: Url,
    pub reply: Reply,
}

impl Traveller {
    pub fn new() -> Self {
        Self { client: client_with_cookies() }
    }

    /// As a frame of another site's page: none of our cookies goes with it.
    pub fn in_a_frame() -> Self {
        Self { client: client() }
    }

    /// Opens a page and follows it to where it leads.
    pub async fn open(&self, url: &str) -> Stop {
        let url = Url::parse(url).unwrap_or_else(|error| panic!("{url} is no address: {error}"));
        let reply = send(self.client.get(url.clone())).await;
        self.follow(url, reply).await
    }

    /// Posts a form of that page and follows where it leads.
    pub async fn submit(&self, page: &Stop, form: &Form) -> Stop {
        self.submit_by(&self.client, page, form).await
    }

    /// Posts what an identity provider's page posts to our consumer service. It comes from another site, and so without our
    /// cookies, which are `SameSite=Lax`; the page that this leads to posts it again.
    pub async fn deliver(&self, page: &Stop, form: &Form) -> Stop {
        let ours = self.submit_by(&client(), page, form).await;
        assert_eq!(ours.reply.status, 200, "{}: {}", ours.url, ours.reply.text);
        let again = ours.form_with("SAMLResponse").expect("a page that goes on from our own origin");
        self.submit(&ours, &again).await
    }

    /// Posts each message that a page carries to the other side, as its script would.
    pub async fn carry_on(&self, mut page: Stop) -> Stop {
        for _ in 0..HOPS {
            let Some(form) = page.form_with("SAMLResponse").or_else(|| page.form_with("SAMLRequest")) else {
                return page;
            };
            page = self.submit(&page, &form).await;
        }
        panic!("{} goes on and on", page.url)
    }

    /// Who this browser is here; `None`: not signed in.
    pub async fn who(&self, app: &TestApp) -> Option<Value> {
        let reply = send(self.client.get(app.url("/api/v1/session"))).await.expect_any(&[200, 401]);
        (reply.status == 200).then(|| reply.json())
    }

    async fn submit_by(&self, client: &Client, page: &Stop, form: &Form) -> Stop {
        let mut url = page.url.join(&form.action).unwrap_or_else(|error| panic!("{}: {error}", form.action));
        url.set_fragment(None);
        let site = if url.origin() == page.url.origin() { "same-origin" } else { "cross-site" };
        let request = client.request(Method::POST, url.clone()).form(&form.pairs());
        let request = request.header("origin", page.url.origin().ascii_serialization()).header("sec-fetch-site", site);
        self.follow(url, send(request).await).await
    }

    async fn follow(&self, mut url: Url, mut reply: Reply) -> Stop {
        for _ in 0..HOPS {
            if ![301, 302, 303].contains(&reply.status) {
                return Stop { url, reply };
            }
            let location = reply.header("location").unwrap_or_else(|| panic!("{url} leads nowhere"));
            url = url.join(location).unwrap_or_else(|error| panic!("{location}: {error}"));
            reply = send(self.client.get(url.clone())).await;
        }
        panic!("{url} goes round in circles")
    }
}

impl Stop {
    /// The first form with a field of that name.
    pub fn form_with(&self, field: &str) -> Option<Form> {
        let named = |form: &Form| form.fields.iter().any(|known| known.name == field);
        forms::forms(&self.reply.text).into_iter().find(named)
    }

    /// Where its script goes at once: the address of a link.
    pub fn leads_to(&self) -> Option<String> {
        let tags = forms::tags(&self.reply.text);
        let link = tags.iter().find(|tag| tag.name == "a" && tag.attribute("data-auto-submit").is_some())?;
        link.attribute("href").map(str::to_owned)
    }

    /// What the page shows in frames.
    pub fn frames(&self) -> Vec<String> {
        let source = |tag: &Tag| tag.attribute("src").map(str::to_owned);
        let frames = forms::tags(&self.reply.text).into_iter().filter(|tag| tag.name == "iframe");
        frames.filter_map(|frame| source(&frame)).collect()
    }

    /// Whether it is a page of the server at that address.
    pub fn is_at(&self, base: &str) -> bool {
        Url::parse(base).is_ok_and(|base| base.origin() == self.url.origin())
    }
}
