//! What the structural gate lets through, and under which name it refuses the rest.

use crate::saml::gate::{Envelope, MAX_FORM_VALUE, admit, decode};

const HEAD: &str = concat!(
    r#"<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol""#,
    r#" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_r" Version="2.0""#,
    r#" IssueInstant="2026-11-24T02:50:38Z" Destination="https://sp.test/acs" InResponseTo="_q">"#,
    r#"<saml:Issuer>https://idp.test</saml:Issuer><samlp:Status>"#,
    r#"<samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>"#,
);
const SIGNATURE: &str = concat!(
    r##"<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo>"##,
    r##"<ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>"##,
    r##"<ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"/>"##,
    r##"<ds:Reference URI="#_a"><ds:Transforms>"##,
    r##"<ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>"##,
    r##"<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/></ds:Transforms>"##,
    r##"<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>"##,
    r##"<ds:DigestValue>AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=</ds:DigestValue></ds:Reference>"##,
    r##"</ds:SignedInfo><ds:SignatureValue>AAAA</ds:SignatureValue><ds:KeyInfo><ds:KeyName>k</ds:KeyName>"##,
    r##"</ds:KeyInfo></ds:Signature>"##,
);
const TAIL: &str = "<saml:Subject><saml:NameID>a@b.test</saml:NameID></saml:Subject></saml:Assertion></samlp:Response>";

fn message() -> String {
    let start = r#"<saml:Assertion ID="_a" Version="2.0" IssueInstant="2026-11-24T02:50:38Z">"#;
    format!("{HEAD}{start}<saml:Issuer>https://idp.test</saml:Issuer>{SIGNATURE}{TAIL}")
}

/// The message with the first `from` replaced.
fn changed(from: &str, to: &str) -> String {
    let message = message();
    assert!(message.contains(from), "{from} is not in the message");
    message.replacen(from, to, 1)
}

fn verdict(xml: &str) -> &'static str {
    admit(xml.as_bytes()).map_or_else(|refusal| refusal.check, |_| "admitted")
}

#[track_caller]
fn assert_verdicts(cases: &[(&str, &str, &str)]) {
    for (from, to, expected) in cases {
        assert_eq!(verdict(&changed(from, to)), *expected, "{from} -> {}", to.chars().take(200).collect::<String>());
    }
}

/// The end of the second transform, with a prefix list.
fn inclusive_namespaces(prefixes: &str) -> String {
    let list = "<e:InclusiveNamespaces xmlns:e=\"http://www.w3.org/2001/10/xml-exc-c14n#\"";
    format!("xml-exc-c14n#\">{list} PrefixList=\"{prefixes}\"/></ds:Transform></ds:Transforms>")
}

#[test]
fn the_plain_shape_is_admitted_and_its_envelope_read() {
    let expected = Envelope {
        response_id: "_r".into(),
        version: "2.0".into(),
        issue_instant: 1_795_488_638_000,
        destination: Some("https://sp.test/acs".into()),
        in_response_to: Some("_q".into()),
        issuer: Some("https://idp.test".into()),
        status_code: Some("urn:oasis:names:tc:SAML:2.0:status:Success".into()),
        response_signed: false,
        assertion_signed: true,
        assertion_id: "_a".into(),
    };
    assert_eq!(admit(message().as_bytes()), Ok(expected));
}

#[test]
fn harmless_variants_are_admitted() {
    let prefix_list = inclusive_namespaces("xs #default");
    assert_verdicts(&[
        ("<samlp:Response ", "<?xml version='1.0' encoding='utf-8'?>\n<samlp:Response ", "admitted"),
        ("<samlp:Status>", "<samlp:Extensions><x xmlns='urn:x'/></samlp:Extensions><samlp:Status>", "admitted"),
        ("a@b.test", "a&#64;b&amp;.test", "admitted"),
        ("</samlp:Response>", "</samlp:Response>\n", "admitted"),
        ("<saml:Subject>", "<saml:Subject >", "admitted"),
        ("AAAA</ds:SignatureValue>", "AA\nAA&#13;\n</ds:SignatureValue>", "admitted"),
        // The reference is replaced before namespaces are compared, as a conforming parser does.
        ("/xmldsig#\"><ds:SignedInfo>", "/xmldsig&#35;\"><ds:SignedInfo>", "admitted"),
        ("xml-exc-c14n#\"/></ds:Transforms>", prefix_list.as_str(), "admitted"),
    ]);
}

#[test]
fn what_parsers_read_differently_is_refused() {
    assert_verdicts(&[
        ("<samlp:Response ", "<!DOCTYPE r><samlp:Response ", "gate.doctype"),
        ("a@b.test", "a<!---->@b.test", "gate.comment"),
        ("a@b.test", "a<?x?>@b.test", "gate.processing-instruction"),
        ("a@b.test", "a<![CDATA[]]>@b.test", "gate.cdata"),
        ("a@b.test", "a&nbsp;b", "gate.reference"),
        ("a@b.test", "a&b", "gate.not-well-formed"),
        ("a@b.test", "a&#0;b", "gate.reference"),
        ("a@b.test", "a&#1;b", "gate.character"),
        ("a@b.test", "a\u{1}b", "gate.character"),
        ("a@b.test", "a\0b", "gate.character"),
        ("a@b.test", "a]]>b", "gate.not-well-formed"),
        ("<samlp:Response ", "\u{feff}<samlp:Response ", "gate.byte-order-mark"),
        ("<samlp:Response ", "<?xml version='1.0' encoding='UTF-16'?><samlp:Response ", "gate.xml-declaration"),
        ("<samlp:Response ", "<?xml version='1.1'?><samlp:Response ", "gate.xml-declaration"),
        ("<samlp:Response ", " <?xml version='1.0'?><samlp:Response ", "gate.processing-instruction"),
        ("</samlp:Response>", "", "gate.not-well-formed"),
        ("</samlp:Response>", "</samlp:Response", "gate.not-well-formed"),
        ("</saml:Subject>", "</samlp:Subject>", "gate.not-well-formed"),
        ("</saml:Subject>", "</saml:Subject x='1'>", "gate.not-well-formed"),
        ("</samlp:Response>", "</samlp:Response><x/>", "gate.second-root"),
        ("</samlp:Response>", "</samlp:Response>x", "gate.text-outside-root"),
        ("</samlp:Response>", "</samlp:Response>&#32;", "gate.text-outside-root"),
        ("<saml:Subject>", "<é>", "gate.not-well-formed"),
        (" Destination=", " Version=\"2.0\" Destination=", "gate.duplicate-attribute"),
        (
            " Destination=",
            " xmlns:p=\"urn:p\" xmlns:q=\"urn:p\" p:x=\"\" q:x=\"\" Destination=",
            "gate.duplicate-attribute",
        ),
        (" Destination=\"", "Destination=\"", "gate.not-well-formed"),
        (" Destination=\"", " x=y Destination=\"", "gate.not-well-formed"),
        (" Destination=\"", " x Destination=\"", "gate.not-well-formed"),
        (" Destination=\"", " x=\"<\" Destination=\"", "gate.not-well-formed"),
        (" Destination=\"", " x=\"a&b\" Destination=\"", "gate.reference"),
        (" Destination=\"", " p:x=\"\" Destination=\"", "gate.undeclared-prefix"),
        (" Destination=\"", " xmlns:p=\"\" Destination=\"", "gate.relative-namespace"),
        (" Destination=\"", " xmlns:p=\"1\" Destination=\"", "gate.relative-namespace"),
        (" Destination=\"", " xmlns:p=\"urn:a b\" Destination=\"", "gate.relative-namespace"),
        (" Destination=\"", " xmlns:xml=\"urn:x\" Destination=\"", "gate.reserved-namespace"),
        (" Destination=\"", " xmlns:p=\"http://www.w3.org/2000/xmlns/\" Destination=\"", "gate.reserved-namespace"),
    ]);
    assert_eq!(admit(b"\xff").map_err(|refusal| refusal.check), Err("gate.encoding"));
    assert_eq!(verdict(""), "gate.not-well-formed");
    for (text, detail) in [("hello", "this is not XML"), ("<a/>x", "text outside the root")] {
        let refusal = admit(text.as_bytes()).expect_err("no message");
        assert_eq!((refusal.check, refusal.detail.as_str()), ("gate.text-outside-root", detail), "{text}");
    }
}

#[test]
fn sizes_are_bounded() {
    let deep = format!("<samlp:Extensions>{}{}</samlp:Extensions><samlp:Status>", "<a>".repeat(63), "</a>".repeat(63));
    let wide = format!("<samlp:Extensions>{}</samlp:Extensions><samlp:Status>", "<a/>".repeat(20_001));
    let flat = format!("<samlp:Extensions>{}</samlp:Extensions><samlp:Status>", "<a/>".repeat(40_002));
    let attributes: String = (0..65).map(|n| format!(" a{n}=''")).collect();
    let namespaces: String = (0..33).map(|n| format!(" xmlns:a{n}='urn:a'")).collect();
    let attributes = format!("<samlp:Status{attributes}>");
    let namespaces = format!("<samlp:Status{namespaces}>");
    let long = "a".repeat(512 * 1024);
    assert_verdicts(&[
        ("<samlp:Status>", deep.as_str(), "gate.too-deep"),
        ("<samlp:Status>", wide.as_str(), "gate.too-many-elements"),
        ("<samlp:Status>", flat.as_str(), "gate.too-many-elements"),
        ("<samlp:Status>", attributes.as_str(), "gate.too-many-attributes"),
        ("<samlp:Status>", namespaces.as_str(), "gate.too-many-namespaces"),
        ("a@b.test", long.as_str(), "gate.too-large"),
    ]);
}

#[test]
fn there_is_one_response_with_one_assertion() {
    let other = "</saml:Assertion><saml:Assertion ID=\"_b\"></saml:Assertion>";
    assert_verdicts(&[
        ("urn:oasis:names:tc:SAML:2.0:protocol", "urn:evil", "gate.root"),
        ("</saml:Assertion>", other, "gate.assertion-count"),
        ("<saml:Subject>", "<x:Assertion xmlns:x=\"urn:evil\"/><saml:Subject>", "gate.assertion-count"),
        ("<saml:Subject>", "<samlp:Response/><saml:Subject>", "gate.nested-response"),
        ("<samlp:Status>", "<saml:EncryptedAssertion/><samlp:Status>", "gate.encrypted-assertion"),
        ("<samlp:Status>", "<saml:Advice/><samlp:Status>", "gate.unknown-element"),
        ("<samlp:Status>", "<samlp:Status/><samlp:Status>", "gate.repeated-element"),
    ]);
    let inner = message().replace("<saml:Assertion ", "<samlp:Extensions><saml:Assertion ");
    let inner = inner.replace("</saml:Assertion>", "</saml:Assertion></samlp:Extensions>");
    assert_eq!(verdict(&inner), "gate.assertion-place");
    let refused = admit(format!("{HEAD}</samlp:Response>").as_bytes()).expect_err("there is no assertion");
    assert_eq!(refused.check, "gate.no-assertion");
    assert!(refused.detail.contains("status:Success"), "{refused}");
}

#[test]
fn ids_are_plain_and_unique_in_every_spelling() {
    assert_verdicts(&[
        ("<saml:Subject>", "<saml:Subject ID=\"_a\">", "gate.duplicate-id"),
        ("<saml:Subject>", "<saml:Subject xml:id=\" _a \">", "gate.duplicate-id"),
        ("<saml:Subject>", "<saml:Subject Id=\"_r\">", "gate.duplicate-id"),
        ("<saml:Subject>", "<saml:Subject AssertionID=\"_r\">", "gate.duplicate-id"),
        ("<saml:Subject>", "<saml:Subject xmlns:x=\"urn:x\" x:id=\"_r\">", "gate.duplicate-id"),
        ("ID=\"_a\"", "ID=\"_a\" Id=\"_b\"", "gate.id"),
        ("ID=\"_a\"", "Id=\"_a\"", "gate.id"),
        ("ID=\"_a\"", "ID=\"\"", "gate.id"),
        ("ID=\"_r\"", "ID=\"a')\"", "gate.id"),
        ("ID=\"_r\" ", "", "gate.id"),
    ]);
}

#[test]
fn signatures_have_one_place_and_one_shape() {
    let reference = SIGNATURE.split("<ds:Reference").nth(1).and_then(|rest| rest.split("</ds:SignedInfo>").next());
    let reference = format!("<ds:Reference{}", reference.expect("the signature has a reference"));
    let (twice, stray) = (SIGNATURE.repeat(2), format!("<saml:Subject>{SIGNATURE}"));
    let long_prefix_list = inclusive_namespaces(&"a ".repeat(60));
    let second_reference = format!("</ds:Reference>{reference}");
    assert_verdicts(&[
        (SIGNATURE, "", "gate.unsigned"),
        (SIGNATURE, twice.as_str(), "gate.repeated-element"),
        ("<saml:Subject>", stray.as_str(), "gate.stray-signature"),
        ("<saml:Subject>", "<saml:Subject><Signature/>", "gate.stray-signature"),
        ("URI=\"#_a\"", "URI=\"#_r\"", "gate.reference-uri"),
        ("URI=\"#_a\"", "URI=\"\"", "gate.reference-uri"),
        ("URI=\"#_a\"", "URI=\"http://127.0.0.1:9/\"", "gate.reference-uri"),
        ("URI=\"#_a\"", "URI=\"#xpointer(id('_a'))\"", "gate.reference-uri"),
        (" URI=\"#_a\"", "", "gate.reference-uri"),
        ("</ds:Reference>", second_reference.as_str(), "gate.signed-info"),
        (reference.as_str(), "", "gate.signed-info"),
        ("enveloped-signature", "base64", "gate.transforms"),
        ("</ds:Transforms>", "<ds:Transform Algorithm=\"urn:x\"/></ds:Transforms>", "gate.transforms"),
        ("xml-exc-c14n#\"/></ds:Transforms>", "xml-exc-c14n#WithComments\"/></ds:Transforms>", "gate.canonicalisation"),
        ("http://www.w3.org/2001/10/xml-exc-c14n#\"/><ds:Sig", "urn:x\"/><ds:Sig", "gate.canonicalisation"),
        ("xml-exc-c14n#\"/></ds:Transforms>", long_prefix_list.as_str(), "gate.canonicalisation"),
        ("2001/04/xmldsig-more#rsa-sha256", "2000/09/xmldsig#rsa-sha1", "gate.signature-algorithm"),
        ("more#rsa-sha256", "more#hmac-sha256", "gate.signature-algorithm"),
        ("#rsa-sha256\"/>", "#rsa-sha256\"><ds:HMACOutputLength/></ds:SignatureMethod>", "gate.signature-algorithm"),
        ("2001/04/xmlenc#sha256", "2000/09/xmldsig#sha1", "gate.digest-algorithm"),
        ("AAA=</ds:DigestValue>", "</ds:DigestValue>", "gate.digest-value"),
        ("AAAA</ds:SignatureValue>", "</ds:SignatureValue>", "gate.signature-value"),
        ("</ds:KeyInfo>", "</ds:KeyInfo><ds:Object/>", "gate.signature"),
        ("<ds:KeyName>k</ds:KeyName>", "<ds:RetrievalMethod URI=\"x\"/>", "gate.key-info"),
        ("<ds:KeyName>k</ds:KeyName>", "<ds:KeyName><ds:SignedInfo/></ds:KeyName>", "gate.key-info"),
    ]);
}

#[test]
fn form_values_are_folded_base64_of_bounded_length() {
    assert_eq!(decode("PGE\r\n vPg\t=="), Ok(b"<a/>".to_vec()));
    assert_eq!(decode("%%%").map_err(|refusal| refusal.check), Err("gate.base64"));
    let said = |value: &str| decode(value).expect_err("no base64").detail;
    assert_eq!(said("@@@"), "the form value is not base64: it has a character that base64 doesn't have");
    for (value, why) in
        [("PG=vPg==", "a = where"), ("PGEvP", "cut off"), ("PGEvPg", "cut off"), ("PGEvPh==", "can't end in")]
    {
        assert!(said(value).contains(why), "{value}: {}", said(value));
    }
    assert_eq!((said(""), said(" \r\n")), ("the response is empty".to_owned(), "the response is empty".to_owned()));
    let long = "A".repeat(MAX_FORM_VALUE + 4);
    assert_eq!(decode(&long).map_err(|refusal| refusal.check), Err("gate.too-large"));
}
