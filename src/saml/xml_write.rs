//! Pure: text within the XML that we write, escaped as Canonical XML has it (Canonical XML 1.0 §1.1), and not a character more.
//!
//! What we sign is written so that its text is its own canonical form (Exclusive XML Canonicalization 1.0): each namespace
//! declared where it is used first, attributes in alphabetical order and in double quotes, start and end tags for empty elements,
//! no white space between elements, and these escapes.

/// The text of an element.
pub fn text(plain: &str) -> String {
    plain.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\r', "&#xD;")
}

/// The value of an attribute in double quotes.
pub fn attribute(plain: &str) -> String {
    let plain = plain.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;");
    plain.replace('\t', "&#x9;").replace('\n', "&#xA;").replace('\r', "&#xD;")
}
