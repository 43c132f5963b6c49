//! Pure: which certificate a message says it was signed with. Nobody is believed for that: an administrator sees its fingerprint
//! beside those that are configured, and nothing is verified with it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::refusal::Refusal;
use super::xml::Element;
use super::{certificate, names};

/// Configured certificates that are shown at the most: what is kept of a sentence is bounded.
const SHOWN: usize = 3;
/// How a certificate in DER begins: a SEQUENCE.
const SEQUENCE: u8 = 0x30;

/// A refusal of a signature that nothing verified, with the certificates that are configured, and the one that the message
/// carries, if it carries one; any other as it is. The check stays the same.
pub fn explained(refusal: Refusal, root: &Element, configured: &[Vec<u8>]) -> Refusal {
    if refusal.check != "signature.invalid" {
        return refusal;
    }
    let known: Vec<String> = configured.iter().map(|der| certificate::fingerprint(der)).collect();
    let said = match fingerprint(root) {
        None => format!(
            "configured are certificates whose SHA-256 begins with {}",
            list(known.iter().map(|one| certificate::beginning(one)))
        ),
        Some(carried) if known.contains(&carried) => {
            format!("the message names the configured certificate with SHA-256 {carried}, but was changed since")
        }
        Some(carried) => {
            let shown = list(known.iter().map(String::as_str));
            format!("the message names the certificate with SHA-256 {carried}, configured are: {shown}")
        }
    };
    Refusal::new(refusal.check, format!("{}; {said}", refusal.detail))
}

/// The first few fingerprints, and whether there are more.
fn list<'a>(known: impl ExactSizeIterator<Item = &'a str>) -> String {
    let more = if known.len() > SHOWN { " and others" } else { "" };
    known.take(SHOWN).collect::<Vec<_>>().join(", ") + more
}

fn is_named(name: &'static str) -> impl Fn(&&Element) -> bool {
    move |element| element.is(names::XML_SIGNATURE, name)
}

/// SHA-256 of the first certificate in a signature's KeyInfo, in hexadecimal.
fn fingerprint(root: &Element) -> Option<String> {
    let all = root.descendants();
    let found = all.into_iter().filter(is_named("Signature")).find_map(|element| {
        let info = element.children.iter().find(is_named("KeyInfo"))?;
        let data = info.children.iter().find(is_named("X509Data"))?;
        data.children.iter().find(is_named("X509Certificate"))
    })?;
    let folded: String = found.text.split_ascii_whitespace().collect();
    let der = STANDARD.decode(folded).ok()?;
    (der.first() == Some(&SEQUENCE)).then(|| certificate::fingerprint(&der))
}
