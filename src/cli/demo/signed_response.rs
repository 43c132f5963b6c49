//! Pure: the signed response of the mock identity provider, in the shape of a product (SAML Core §3.3.3, §5.4).

use super::keys::Keys;
use super::response_shape::Shape;
use super::response_signature::signature;
use super::response_text::Text;
use crate::base::clock::UnixMillis;
use crate::error::Result;

/// What the identity provider says, of whom, and in which shape.
pub struct Statement<'a> {
    pub shape: &'a Shape,
    /// Its entity id.
    pub issuer: &'a str,
    pub acs_url: &'a str,
    /// Entity id of the service provider.
    pub audience: &'a str,
    /// ID of the AuthnRequest.
    pub in_response_to: &'a str,
    pub email: &'a str,
    pub display_name: &'a str,
    pub groups: &'a [&'a str],
    pub now: UnixMillis,
    /// Three different NCNames that nobody can guess.
    pub response_id: &'a str,
    pub assertion_id: &'a str,
    pub session_index: &'a str,
}

/// A Response whose assertion is signed, or itself, or both: then the assertion first, because the other signature covers it.
///
/// # Errors
/// 500 if it can't be signed.
pub fn signed_response(statement: &Statement<'_>, keys: &Keys) -> Result<String> {
    let (text, shape) = (Text::of(statement), &statement.shape.signature);
    let of_assertion = if shape.signed.covers_assertion() {
        signature(&text.with("", ""), statement.assertion_id, shape, keys)?
    } else {
        String::new()
    };
    let of_response = if shape.signed.covers_response() {
        signature(&text.with("", &of_assertion), statement.response_id, shape, keys)?
    } else {
        String::new()
    };
    Ok(text.with(&of_response, &of_assertion))
}

#[cfg(test)]
mod tests {
    use super::super::response_shape::{self, plain};
    use super::super::response_shapes::SHAPES;
    use super::*;
    use crate::saml::assertion::{self, Expected, Identity};
    use crate::saml::{gate, verify};

    const NOW: UnixMillis = 1_795_488_638_000;
    const NAME: &str = "Ana \"A&B\" <d'Arc> Žižka";

    fn statement(shape: &'static Shape) -> Statement<'static> {
        Statement {
            shape,
            issuer: "http://127.0.0.1:8082/metadata",
            acs_url: "http://127.0.0.1:8080/saml/acme/acs",
            audience: "http://127.0.0.1:8080/saml/acme/metadata",
            in_response_to: "_q",
            email: "ana@acme.test",
            display_name: NAME,
            groups: &["Everybody", "R&D"],
            now: NOW,
            response_id: "_r",
            assertion_id: "_a",
            session_index: "_s",
        }
    }

    /// What the product makes of a response.
    fn accepted(statement: &Statement<'_>, xml: &str, certificates: &[Vec<u8>]) -> Identity {
        let name = statement.shape.name();
        let envelope = gate::admit(xml.as_bytes()).unwrap_or_else(|refusal| panic!("{name}: {refusal}"));
        let verified =
            verify::verify(xml.as_bytes(), certificates).unwrap_or_else(|refusal| panic!("{name}: {refusal}"));
        let expected = Expected {
            now: NOW + 1_000,
            clock_skew_ms: 0,
            acs_url: statement.acs_url.into(),
            service_provider_entity_id: statement.audience.into(),
            identity_provider_entity_id: statement.issuer.into(),
            request_id: statement.in_response_to.into(),
            asked: assertion::Asked::default(),
        };
        let signed = statement.shape.signature.signed;
        assert_eq!(envelope.response_signed, signed.covers_response(), "{name}");
        assert_eq!(envelope.assertion_signed, signed.covers_assertion(), "{name}");
        assertion::check(&envelope, &verified, &expected).unwrap_or_else(|refusal| panic!("{name}: {refusal}"))
    }

    #[test]
    fn the_products_own_checks_accept_every_shape() {
        let keys = Keys::generate().expect("a key");
        let certificates = [keys.certificate().to_vec()];
        for shape in &SHAPES {
            let (name, statement) = (shape.name(), statement(shape));
            let xml = signed_response(&statement, &keys).expect("a signature");
            let identity = accepted(&statement, &xml, &certificates);
            assert_eq!(identity.email.as_deref(), Some(statement.email), "{name}");
            assert_eq!(identity.display_name.as_deref(), Some(NAME), "{name}");
            assert_eq!(identity.name_id_format.as_deref(), Some(shape.name_id_format), "{name}");
            let session_ends = shape.times.session_ms.map(|span| NOW + span);
            assert_eq!(identity.session_not_on_or_after, session_ends, "{name}");
            let forged = xml.replace("ana@acme.test", "eve@acme.test");
            assert!(verify::verify(forged.as_bytes(), &certificates).is_err(), "{name}: a changed assertion verifies");
        }
    }

    #[test]
    fn another_key_verifies_nothing() {
        let (keys, other) = (Keys::generate().expect("a key"), Keys::generate().expect("a key"));
        let xml = signed_response(&statement(plain()), &keys).expect("a signature");
        assert!(verify::verify(xml.as_bytes(), &[other.certificate().to_vec()]).is_err());
    }

    /// Names, groups and index, as somebody who knows the product expects them.
    #[test]
    fn a_shape_says_it_as_the_product_does() {
        let keys = Keys::generate().expect("a key");
        let certificates = [keys.certificate().to_vec()];
        let said = |name: &str| {
            let statement = statement(response_shape::find(name).expect("a shape"));
            accepted(&statement, &signed_response(&statement, &keys).expect("a signature"), &certificates)
        };
        let plain = said("other");
        assert_eq!((plain.name_id.as_str(), plain.session_index.as_deref()), ("ana@acme.test", Some("_s")));
        assert_eq!(plain.groups, ["Everybody", "R&D"]);
        let okta = said("okta");
        assert_eq!((okta.name_id.as_str(), okta.session_index.as_deref()), ("ana@acme.test", Some("_q")));
        let entra = said("entra-id");
        assert_eq!(entra.session_index.as_deref(), Some("_a"));
        assert!(entra.groups.len() == 2 && entra.groups.iter().all(|group| group.len() == 36), "{:?}", entra.groups);
        assert_eq!(said("keycloak").groups, ["/Everybody", "/R&D"]);
        assert_eq!(said("onelogin").groups, ["Everybody;R&D"]);
        let authentik = said("authentik");
        assert!(authentik.name_id.len() == 64 && authentik.name_id.bytes().all(|byte| byte.is_ascii_hexdigit()));
        assert_eq!(authentik.name_id, said("authentik").name_id, "it stays");
    }
}
