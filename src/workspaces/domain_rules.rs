//! Pure: which names may be a workspace's domain, and what proves one.

use super::model::domain_key;
use crate::error::{Error, Result};

/// What stands before the challenge in a TXT record.
const PREFIX: &str = "curfew-domain-verification=";

/// Domains of a workspace at the most.
pub const MOST_DOMAINS: usize = 100;

/// Where everybody can have an address. They are no organisation's, whoever could prove them.
const MAILBOX_PROVIDERS: &str = "126.com 163.com aol.com bk.ru comcast.net fastmail.com free.fr gmail.com gmx.at gmx.ch gmx.com \
    gmx.de gmx.net googlemail.com hey.com hotmail.co.uk hotmail.com hotmail.de hotmail.fr icloud.com \
    inbox.ru laposte.net libero.it list.ru live.com mac.com mail.com mail.ru me.com msn.com orange.fr \
    outlook.com outlook.de outlook.fr pm.me proton.me protonmail.com qq.com rediffmail.com t-online.de \
    tutanota.com web.de yahoo.co.jp yahoo.co.uk yahoo.com yahoo.de yandex.com yandex.ru zoho.com";

/// The name as it is kept: lower case, an internationalised one as punycode.
///
/// # Errors
/// 400 naming `domain` if it is none, if everybody can register names below it, or if it gives mailboxes to everybody.
pub fn usable(text: &str) -> Result<String> {
    let domain = key(text)?;
    if psl::suffix_str(&domain) == Some(domain.as_str()) {
        let text = format!("{domain} is a public suffix: names below it belong to different people");
        return Err(Error::invalid("domain", text));
    }
    if MAILBOX_PROVIDERS.split(' ').any(|known| known == domain) {
        let text = format!("everybody can have an address at {domain}: it can't be a workspace's");
        return Err(Error::invalid("domain", text));
    }
    Ok(domain)
}

/// The name as it is kept, whether it may be used or not.
///
/// # Errors
/// 400 naming `domain` if it is none.
pub fn key(text: &str) -> Result<String> {
    domain_key(text).ok_or_else(|| Error::invalid("domain", "must be a domain name such as example.com"))
}

/// What a TXT record must hold, to the letter; `random` is an identifier that nobody can guess.
pub fn challenge(random: &str) -> String {
    format!("{PREFIX}{random}")
}

/// Where the TXT record stands; the domain itself will do as well.
pub fn record_name(domain: &str) -> String {
    format!("_curfew-challenge.{domain}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kept_in_one_form() {
        for (typed, kept) in [
            ("Example.COM", "example.com"),
            (" example.com. ", "example.com"),
            ("b\u{fc}cher.example", "xn--bcher-kva.example"),
            ("B\u{dc}CHER.example", "xn--bcher-kva.example"),
            ("xn--bcher-kva.example", "xn--bcher-kva.example"),
            ("corp.test", "corp.test"),
            ("mail.example.co.uk", "mail.example.co.uk"),
        ] {
            assert_eq!(usable(typed).ok().as_deref(), Some(kept), "{typed}");
        }
    }

    #[test]
    fn what_belongs_to_nobody_or_everybody_is_refused() {
        for bad in [
            "",
            "com",
            "co.uk",
            "github.io",
            "gmail.com",
            "GMail.com.",
            "10.0.0.1",
            "example",
            "*.example.com",
            "a..b",
            "http://example.com",
            "exa mple.com",
            "_x.example.com",
            "example.com/x",
            "[::1]",
            "\u{fc}",
            "-a.example",
        ] {
            let refused = usable(bad).expect_err(bad);
            assert_eq!(refused.field(), Some("domain"), "{bad}");
        }
    }
}
