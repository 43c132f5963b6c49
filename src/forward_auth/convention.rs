//! Pure: what each proxy says of the request that it asks about, and what its endpoint's address may ask for.
//!
//! An endpoint reads its own proxy's convention and never another's: a client could speak the one that the proxy in front
//! doesn't, and contradict it.

use crate::base::text::local_path;
use crate::error::{Error, Result};
use crate::signing::assertion::require_audience;

/// A proxy and its convention.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proxy {
    /// `auth_request`: 2xx passes, 401 and 403 refuse, and nginx makes 500 of anything else.
    Nginx,
    /// `ForwardAuth`: 2xx passes, any other answer goes to the client as it is.
    Traefik,
    /// `forward_auth`: as Traefik.
    Caddy,
    /// `ext_authz` over HTTP: 200 passes, 5xx is an error, any other answer goes to the client as it is.
    Envoy,
    /// Our own Lua action (deploy/haproxy), which tells 200, 401 and 403 apart.
    HaProxy,
}

/// Longest path and query that somebody who signs in returns to, in bytes: an answer stays small.
const LONGEST_RETURN: usize = 1_000;
impl Proxy {
    /// Whether the client gets a refusal as it is. Of the others the proxy's configuration makes what people see.
    pub fn hands_on(self) -> bool {
        matches!(self, Self::Traefik | Self::Caddy | Self::Envoy)
    }
}

/// What the operator wrote into the address of the endpoint.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Wish {
    /// Name of the application that gets an assertion.
    pub audience: Option<String>,
    /// 403 instead of 503.
    pub forbid_when_unavailable: bool,
}

impl Wish {
    /// From a query that only the operator can have written. Caddy and Envoy hand the client's own query on: theirs is never
    /// read, or a client could ask for an assertion for whomever it likes.
    ///
    /// # Errors
    /// 400 for a parameter that isn't known, is there twice, or has no such value.
    pub fn of_query(proxy: Proxy, query: Option<&str>) -> Result<Self> {
        let mut wish = Self::default();
        let query = query.filter(|_| matches!(proxy, Proxy::Nginx | Proxy::Traefik | Proxy::HaProxy));
        for (name, value) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            match (name.as_ref(), value.as_ref()) {
                ("audience", value) if wish.audience.is_none() => wish.audience = Some(audience(value)?),
                ("audience", _) => return Err(Error::invalid("audience", "must be sent once")),
                ("unavailable", "403") if proxy == Proxy::Nginx => wish.forbid_when_unavailable = true,
                ("unavailable", _) => return Err(Error::invalid("unavailable", "may be 403, and for nginx only")),
                (name, _) => return Err(Error::invalid(name.to_owned(), "is not a parameter of this endpoint")),
            }
        }
        Ok(wish)
    }

    /// From a part of the path, where Caddy and Envoy have it.
    ///
    /// # Errors
    /// 400 unless it can name an application.
    pub fn of_path(part: Option<&str>) -> Result<Self> {
        Ok(Self { audience: Some(audience(part.unwrap_or_default())?), forbid_when_unavailable: false })
    }
}

fn audience(text: &str) -> Result<String> {
    require_audience(text)?;
    Ok(text.to_owned())
}

/// The request that a proxy asks about, as far as a refusal depends on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Original<'a> {
    pub method: &'a str,
    pub host: Option<&'a str>,
    /// Path and query as they were sent.
    pub target: Option<&'a str>,
    pub accept: &'a str,
    pub fetch_mode: Option<&'a str>,
    pub fetch_destination: Option<&'a str>,
}

impl<'a> Original<'a> {
    /// By the convention of Traefik and Caddy; `header` gives one that was sent once.
    pub fn forwarded(header: impl Fn(&str) -> Option<&'a str>) -> Self {
        let method = header("x-forwarded-method").unwrap_or_default();
        Self { method, host: header("x-forwarded-host"), target: header("x-forwarded-uri"), ..Self::wanting(header) }
    }

    /// By Envoy's: the request has the original's method and host, and its path after a prefix.
    pub fn prefixed(method: &'a str, target: Option<&'a str>, header: impl Fn(&str) -> Option<&'a str>) -> Self {
        Self { method, host: header("host"), target, ..Self::wanting(header) }
    }

    fn wanting(header: impl Fn(&str) -> Option<&'a str>) -> Self {
        Self {
            accept: header("accept").unwrap_or_default(),
            fetch_mode: header("sec-fetch-mode"),
            fetch_destination: header("sec-fetch-dest"),
            ..Self::default()
        }
    }

    /// Whether a person opened a page of its own, and not a script or a frame: only there a sign-in page helps.
    pub fn is_page_load(&self) -> bool {
        let safe = matches!(self.method, "GET" | "HEAD");
        let page = self.fetch_destination.is_none_or(|destination| destination == "document");
        safe && page && self.fetch_mode.map_or(self.accept.contains("text/html"), |mode| mode == "navigate")
    }

    /// Where such a person signs in. It leads back here only if here is on our own origin, and never anywhere else.
    pub fn sign_in_url(&self, public_url: &str) -> String {
        let ours = self.host.is_some_and(|host| is_host_of(host, public_url));
        let back = self
            .target
            .filter(|&target| ours && target.len() <= LONGEST_RETURN && local_path(Some(target)) == target)
            .unwrap_or_default();
        let encoded: String = url::form_urlencoded::byte_serialize(back.as_bytes()).collect();
        if encoded.is_empty() {
            format!("{public_url}/login")
        } else {
            format!("{public_url}/login?return_to={encoded}")
        }
    }
}

/// `public_url` is an origin, without the port that its scheme implies.
fn is_host_of(host: &str, public_url: &str) -> bool {
    let Some((scheme, authority)) = public_url.split_once("://") else { return false };
    let implied = if scheme == "https" { ":443" } else { ":80" };
    host.strip_suffix(implied).unwrap_or(host).eq_ignore_ascii_case(authority)
}

/// The path and query that stand behind the endpoint's own. `endpoint` has no slash at its end.
pub fn behind<'a>(endpoint: &str, path_and_query: &'a str) -> Option<&'a str> {
    path_and_query.strip_prefix(endpoint).filter(|rest| rest.starts_with('/'))
}

/// Whether a header means something for a verdict only if it is there once. `name` is in lower case.
pub fn counts_once(name: &str) -> bool {
    matches!(name.strip_prefix("x-forwarded-"), Some("for" | "host" | "method" | "proto" | "uri"))
}

/// Whether a header's name is another spelling of one that counts: `x_forwarded_for`, `x-curfew_user`, `x.curfew.user`. Many
/// applications read them as the same. `name` is in lower case.
pub fn is_twin(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if name.bytes().all(plain) {
        return false;
    }
    let meant: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    ["x-curfew-", "x-forwarded-", "x-original-"].iter().any(|start| meant.starts_with(start)) || meant == "x-real-ip"
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str = "https://app.example.com";

    fn page<'a>(method: &'a str, host: &'a str, target: &'a str) -> Original<'a> {
        Original { method, host: Some(host), target: Some(target), accept: "text/html,*/*", ..Original::default() }
    }

    #[test]
    fn only_a_page_of_its_own_is_sent_to_the_sign_in() {
        let own = page("GET", "app.example.com", "/");
        assert!(own.is_page_load());
        assert!(page("HEAD", "app.example.com", "/").is_page_load());
        assert!(Original { accept: "", fetch_mode: Some("navigate"), ..own }.is_page_load());
        for other in [
            Original { method: "POST", ..own },
            Original { method: "", ..own },
            Original { accept: "application/json", ..own },
            Original { fetch_mode: Some("cors"), ..own },
            Original { fetch_mode: Some("navigate"), fetch_destination: Some("iframe"), ..own },
        ] {
            assert!(!other.is_page_load(), "{other:?}");
        }
    }

    #[test]
    fn nobody_is_led_anywhere_else() {
        let back = format!("{OURS}/login?return_to=%2Freport%3Fq%3D1%26r%3Da%2520b");
        assert_eq!(page("GET", "app.example.com", "/report?q=1&r=a%20b").sign_in_url(OURS), back);
        assert_eq!(page("GET", "APP.example.com:443", "/report?q=1&r=a%20b").sign_in_url(OURS), back);
        let long = format!("/{}", "a".repeat(LONGEST_RETURN));
        for (host, target) in [
            ("evil.example", "/report"),
            ("app.example.com.evil.example", "/report"),
            ("app.example.com, evil.example", "/report"),
            ("app.example.com:8443", "/report"),
            ("app.example.com:80", "/report"),
            ("", "/report"),
            ("app.example.com", ""),
            ("app.example.com", "//evil.example"),
            ("app.example.com", "/\\evil.example"),
            ("app.example.com", "https://evil.example/"),
            ("app.example.com", "/a\r\nSet-Cookie: x"),
            ("app.example.com", long.as_str()),
        ] {
            assert_eq!(page("GET", host, target).sign_in_url(OURS), format!("{OURS}/login"), "{host} {target}");
        }
        let local = page("GET", "127.0.0.1:8080", "/x").sign_in_url("http://127.0.0.1:8080");
        assert_eq!(local, "http://127.0.0.1:8080/login?return_to=%2Fx");
    }

    #[test]
    fn other_spellings_of_what_counts_are_known() {
        for twin in
            ["x_forwarded_for", "x-forwarded_for", "x_curfew_user", "x-curfew_user", "x.curfew.user", "x_real_ip"]
        {
            assert!(is_twin(twin), "{twin}");
        }
        for other in ["x-forwarded-for", "x-curfew-user", "x-real-ip", "x_request_id", "accept", "x_curfewish"] {
            assert!(!is_twin(other), "{other}");
        }
    }

    #[test]
    fn only_the_operator_asks_for_an_assertion() {
        let asked = |proxy: Proxy, query: &str| Wish::of_query(proxy, Some(query)).map(|wish| wish.audience).ok();
        for proxy in [Proxy::Nginx, Proxy::Traefik, Proxy::HaProxy] {
            assert_eq!(asked(proxy, "audience=https%3A%2F%2Fapp"), Some(Some("https://app".to_owned())));
            for wrong in ["audience=", "audience=a%20b", "audience=%C3%A9", "audience=a&audience=a", "audiance=a"] {
                assert_eq!(asked(proxy, wrong), None, "{wrong}");
            }
            assert_eq!(asked(proxy, &format!("audience={}", "a".repeat(256))), None);
        }
        for proxy in [Proxy::Caddy, Proxy::Envoy] {
            assert_eq!(asked(proxy, "audience=other&audience=&x"), Some(None), "the client's own query is read");
        }
        assert_eq!(Wish::of_path(Some("app")).map(|wish| wish.audience).ok(), Some(Some("app".to_owned())));
        assert!(Wish::of_path(None).is_err());
        assert!(Wish::of_query(Proxy::Nginx, Some("unavailable=403")).is_ok_and(|wish| wish.forbid_when_unavailable));
        assert!(Wish::of_query(Proxy::Nginx, Some("unavailable=200")).is_err());
        assert!(Wish::of_query(Proxy::Traefik, Some("unavailable=403")).is_err());
        assert_eq!(Wish::of_query(Proxy::Nginx, None).ok(), Some(Wish::default()));
    }

    #[test]
    fn a_path_is_read_behind_its_prefix() {
        assert_eq!(behind("/forward-auth/envoy", "/forward-auth/envoy/a?b"), Some("/a?b"));
        assert_eq!(behind("/forward-auth/envoy", "/forward-auth/envoy"), None);
        assert_eq!(behind("/forward-auth/envoy", "/forward-auth/envoy-for/a/b"), None);
    }
}
