//! Pure: what a User-Agent header says of browser and system, in the words of people: `Firefox on Windows`.
//!
//! A header is a claim. It helps somebody to recognise their own sessions, and deliberately decides nothing.

/// What a browser's header contains, and its name. Most browsers claim to be others too: the first that matches counts.
const BROWSERS: [(&str, &str); 18] = [
    ("Edg/", "Edge"),
    ("EdgA/", "Edge"),
    ("EdgiOS/", "Edge"),
    ("OPR/", "Opera"),
    ("Vivaldi/", "Vivaldi"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chromium/", "Chromium"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
    ("Wget/", "Wget"),
    ("PostmanRuntime/", "Postman"),
    ("python-requests/", "Python"),
    ("Go-http-client/", "Go"),
    ("okhttp/", "OkHttp"),
];

/// What a system's part contains, and its name. Android says Linux too, and an iPhone Mac OS X.
const SYSTEMS: [(&str, &str); 8] = [
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Macintosh", "macOS"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
];

/// Characters of an unknown client's own name at the most.
const LONGEST: usize = 40;

/// `Firefox on Windows`, `curl`, an unknown client's own name, or `Unknown device`.
pub fn name(user_agent: &str) -> String {
    let find = |known: &[(&str, &'static str)]| {
        known.iter().find(|(part, _)| user_agent.contains(part)).map(|(_, name)| *name)
    };
    match (find(&BROWSERS), find(&SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser.to_owned(),
        (None, Some(system)) => format!("A client on {system}"),
        (None, None) => own_name(user_agent),
    }
}

/// The first product of the header (RFC 9110 §10.1.5), without its version.
fn own_name(user_agent: &str) -> String {
    let product: String =
        user_agent.trim().split(['/', ' ']).next().unwrap_or_default().chars().take(LONGEST).collect();
    if product.is_empty() { "Unknown device".to_owned() } else { product }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_as_they_are_sent() {
        for (header, expected) in [
            ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0", "Firefox on Windows"),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Safari/605.1.15",
                "Safari on macOS",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/142.0 Mobile/15E148 Safari/604.1",
                "Chrome on iPhone",
            ),
            (
                "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36",
                "Chrome on Android",
            ),
            (
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/142.0.0.0 Safari/537.36",
                "Chrome on Linux",
            ),
            ("curl/8.14.1", "curl"),
            ("AcmeBackup/2.1 (nightly)", "AcmeBackup"),
            ("Mozilla/5.0 (X11; Linux x86_64)", "A client on Linux"),
            ("  ", "Unknown device"),
            ("", "Unknown device"),
        ] {
            assert_eq!(name(header), expected, "{header}");
        }
    }

    #[test]
    fn an_unknown_name_is_cut() {
        assert_eq!(name(&"x".repeat(500)).len(), LONGEST);
    }
}
