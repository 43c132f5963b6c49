//! Pure: names as the mock identity provider writes them into XML. Texts: `saml/xml_write.rs`.

/// `prefix:`; nothing in the default namespace.
pub fn before_name(prefix: &str) -> String {
    if prefix.is_empty() { String::new() } else { format!("{prefix}:") }
}

/// The declaration of a namespace, with a space in front.
pub fn xmlns(prefix: &str, namespace: &str) -> String {
    if prefix.is_empty() { format!(r#" xmlns="{namespace}""#) } else { format!(r#" xmlns:{prefix}="{namespace}""#) }
}
