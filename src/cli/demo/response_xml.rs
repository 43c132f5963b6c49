//! Pure: names and texts as the mock identity provider writes them into XML.

/// `prefix:`; nothing in the default namespace.
pub fn before_name(prefix: &str) -> String {
    if prefix.is_empty() { String::new() } else { format!("{prefix}:") }
}

/// The declaration of a namespace, with a space in front.
pub fn xmlns(prefix: &str, namespace: &str) -> String {
    if prefix.is_empty() { format!(r#" xmlns="{namespace}""#) } else { format!(r#" xmlns:{prefix}="{namespace}""#) }
}

/// Text as Canonical XML writes it.
pub fn text(plain: &str) -> String {
    plain.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\r', "&#xD;")
}

/// An attribute's value as Canonical XML writes it.
pub fn attribute(plain: &str) -> String {
    let escaped = plain.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;");
    escaped.replace('\t', "&#x9;").replace('\n', "&#xA;").replace('\r', "&#xD;")
}
