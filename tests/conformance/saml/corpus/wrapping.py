"""wrapping: signed elements in places where they are not read, evil ones where they are; IDs and namespaces that two readers take
for different things."""
import copy

from kit import E, at, hostile, parsed, s, sign, signed, swapped, unsigned, written

XSW = "USENIX Security 2012, On Breaking SAML; SAML Raider"
RUBY = "ruby-saml CVE-2024-45409"


def wrapped(name, why, refused_by="gate.assertion-count", refs=XSW, what="assertion"):
    """A case whose function gets the kit, a genuinely signed Response and its Assertion, and an unsigned Assertion of the victim."""
    def register(function):
        def make(c):
            response, assertion = signed(c, what)
            changed = function(c, response, assertion, s.evil(c, assertion))
            return written(response if changed is None else changed)
        return hostile(name, "xsw", refused_by, why, refs)(make)
    return register


def moved(response, assertion, into, evil):
    """The evil assertion takes the place of the signed one, which goes `into` something."""
    response.replace(assertion, evil)
    into.append(assertion)


@wrapped("wrap-signed-in-extensions", "the signed assertion in Extensions, the evil one in its place", refs="samlify CVE-2025-47949")
def _(c, r, a, e):
    extensions = E.Element(s.pq("Extensions"))
    r.insert(1, extensions)
    moved(r, a, extensions, e)


@wrapped("wrap-signed-in-attribute-value", "the signed assertion in an AttributeValue of the evil one")
def _(c, r, a, e):
    moved(r, a, s.sub(s.sub(e.find("s:AttributeStatement", s.NS), s.sq("Attribute"), Name="x"), s.sq("AttributeValue")), e)


@wrapped("wrap-signed-in-confirmation-data", "the signed assertion in the SubjectConfirmationData of the evil one")
def _(c, r, a, e):
    moved(r, a, e.find(".//s:SubjectConfirmationData", s.NS), e)


@wrapped("wrap-signed-in-authn-context-decl", "the signed assertion in an AuthnContextDecl of the evil one")
def _(c, r, a, e):
    moved(r, a, s.sub(e.find(".//s:AuthnContext", s.NS), s.sq("AuthnContextDecl")), e)


@wrapped("wrap-signed-in-issuer", "the signed assertion within the Issuer of the evil one")
def _(c, r, a, e):
    moved(r, a, e.find("s:Issuer", s.NS), e)


@wrapped("wrap-signed-in-evidence", "the signed assertion as Evidence of an AuthzDecisionStatement")
def _(c, r, a, e):
    decision = s.sub(e, s.sq("AuthzDecisionStatement"), Resource="x", Decision="Permit")
    moved(r, a, s.sub(decision, s.sq("Evidence")), e)


@wrapped("wrap-two-signed", "two assertions, both genuinely signed")
def _(c, r, a, e):
    other = signed(c)[1]
    r.append(other)


@wrapped("wrap-same-twice", "the signed assertion twice, the same ID")
def _(c, r, a, e):
    r.append(copy.deepcopy(a))


@wrapped("wrap-evil-in-signed-response-signature", "an evil assertion within the KeyInfo of the response's signature", what="response")
def _(c, r, a, e):
    r.find("d:Signature/d:KeyInfo", s.NS).append(e)


@wrapped("wrap-signed-in-evil-own-id", "the evil assertion has the ID of the signed one, which is below it")
def _(c, r, a, e):
    e.set("ID", a.get("ID"))
    moved(r, a, s.sub(e, s.sq("Advice")), e)


@wrapped("wrap-nested-response-in-extensions", "a signed Response within the Extensions of an unsigned one", "gate.nested-response", what="response")
def _(c, r, a, e):
    outer, _ = unsigned(c, nameid=c.victim)
    extensions = E.Element(s.pq("Extensions"))
    outer.insert(1, extensions)
    extensions.append(r)
    return outer


@wrapped("wrap-signature-alone-in-extensions", "an unsigned assertion, the genuine signature in Extensions", "gate.stray-signature", "CVE-2017-11427 family")
def _(c, r, a, e):
    extensions = E.Element(s.pq("Extensions"))
    extensions.append(a.find("d:Signature", s.NS))
    r.replace(a, e)
    r.insert(1, extensions)


@wrapped("wrap-signature-in-status-detail", "the signature of the assertion in StatusDetail", "gate.stray-signature")
def _(c, r, a, e):
    s.sub(r.find("p:Status", s.NS), s.pq("StatusDetail")).append(a.find("d:Signature", s.NS))


@wrapped("wrap-signature-in-subject", "the signature of the assertion within its Subject", "gate.stray-signature")
def _(c, r, a, e):
    a.find("s:Subject", s.NS).append(a.find("d:Signature", s.NS))


@wrapped("wrap-signature-in-response-issuer", "the signature of the assertion within the Issuer of the response", "gate.mixed-content")
def _(c, r, a, e):
    r.find("s:Issuer", s.NS).append(a.find("d:Signature", s.NS))


@wrapped("wrap-signature-detached", "the signature of the assertion beside it, directly under the response", "gate.reference-uri")
def _(c, r, a, e):
    r.insert(1, a.find("d:Signature", s.NS))


@wrapped("wrap-object-manifest", "the signature has an Object with a Manifest", "gate.signature")
def _(c, r, a, e):
    held = s.sub(a.find("d:Signature", s.NS), s.dq("Object"))
    s.sub(held, s.dq("Manifest"), Id="_m")


@wrapped("wrap-signature-properties", "the signature has SignatureProperties", "gate.signature")
def _(c, r, a, e):
    held = s.sub(a.find("d:Signature", s.NS), s.dq("Object"))
    s.sub(s.sub(held, s.dq("SignatureProperties")), s.dq("SignatureProperty"), Target="#x")


@wrapped("wrap-key-info-in-confirmation", "a ds:KeyInfo in SubjectConfirmationData: read as holder of key, or as a signature's", "gate.stray-signature")
def _(c, r, a, e):
    s.sub(a.find(".//s:SubjectConfirmationData", s.NS), s.dq("KeyInfo"))


@wrapped("wrap-digest-in-extensions", "a second DigestValue in Extensions, for readers that search the document", "gate.stray-signature", RUBY)
def _(c, r, a, e):
    extensions = E.Element(s.pq("Extensions"))
    s.sub(extensions, s.dq("DigestValue"), a.find(".//d:DigestValue", s.NS).text)
    r.insert(1, extensions)


@wrapped("wrap-digest-in-status-detail", "a second DigestValue in StatusDetail", "gate.stray-signature", RUBY)
def _(c, r, a, e):
    s.sub(s.sub(r.find("p:Status", s.NS), s.pq("StatusDetail")), s.dq("DigestValue"), a.find(".//d:DigestValue", s.NS).text)


@wrapped("wrap-unknown-child", "an unknown element directly under the response", "gate.unknown-element")
def _(c, r, a, e):
    E.SubElement(r, "{urn:evil}Claims").text = c.victim


@wrapped("wrap-advice-in-response", "an Advice directly under the response", "gate.unknown-element")
def _(c, r, a, e):
    s.sub(r, s.sq("Advice"))


@wrapped("wrap-two-statuses", "a failed Status before that of success", "gate.repeated-element")
def _(c, r, a, e):
    s.sub(s.sub(r, s.pq("Status")), s.pq("StatusCode"), Value="urn:oasis:names:tc:SAML:2.0:status:Responder")


@wrapped("wrap-two-issuers", "two Issuers in the response", "gate.repeated-element")
def _(c, r, a, e):
    s.sub(r, s.sq("Issuer"), "https://evil.example/idp")


def root(name, why, refused_by="gate.root"):
    return hostile(name, "root", refused_by, why)


@root("root-assertion", "a signed Assertion without a Response around it")
def _(c):
    r, a = signed(c)
    return written(a)


@root("root-artifact-response", "a signed Response within an ArtifactResponse")
def _(c):
    outer = E.Element(s.pq("ArtifactResponse"), {"ID": s.nid(), "Version": "2.0", "IssueInstant": at()}, nsmap={"samlp": s.P})
    outer.append(signed(c, "both")[0])
    return written(outer)


@root("root-logout-response", "a signed LogoutResponse with an Assertion in it")
def _(c):
    r, _a = unsigned(c)
    r.tag = s.pq("LogoutResponse")
    s.sign(r, c.idp)
    return written(r)


@root("root-authn-request", "our own kind of message sent back to us, signed")
def _(c):
    r = E.Element(s.pq("AuthnRequest"), {"ID": c.irt, "Version": "2.0", "IssueInstant": at(), "Destination": c.acs}, nsmap={"samlp": s.P, "saml": s.S})
    s.sub(r, s.sq("Issuer"), c.idpid)
    s.sign(r, c.idp)
    return written(r)


@root("root-saml-1", "a Response of SAML 1.1 around a signed assertion")
def _(c):
    return swapped(written(signed(c)[0]), s.P.encode(), b"urn:oasis:names:tc:SAML:1.0:protocol")


@root("root-namespace-case", "the protocol's namespace in capitals")
def _(c):
    return swapped(written(signed(c)[0]), s.P.encode(), s.P.upper().encode())


@root("root-no-namespace", "a Response in no namespace")
def _(c):
    return swapped(written(signed(c)[0]), b"samlp:Response", b"Response")


def donor(c):
    """The provider's own metadata, signed by its key: anybody can fetch it."""
    entity = parsed(s.idp_metadata(c.idpid, c.idp))
    entity.set("ID", "_metadata")
    sign(entity, c.idp, place=0)
    return entity


@hostile("donor-metadata-signature", "donor", "gate.reference-uri", "the signature of the signed metadata put into an evil assertion", "GHES CVE-2024-6800")
def _(c):
    r, a = unsigned(c, nameid=c.victim)
    a.insert(1, donor(c).find("d:Signature", s.NS))
    return written(r)


@hostile("donor-metadata-same-id", "donor", "signature.invalid", "the same, and the evil assertion has the ID of the metadata", "GHES CVE-2024-6800")
def _(c):
    r, a = unsigned(c, nameid=c.victim, aid="_metadata")
    a.insert(1, donor(c).find("d:Signature", s.NS))
    return written(r)


@hostile("donor-metadata-beside", "donor", "gate.duplicate-id", "the same, and the metadata itself in Extensions, so that its ID is there twice", "GHES CVE-2024-6800")
def _(c):
    r, a = unsigned(c, nameid=c.victim, aid="_metadata")
    entity = donor(c)
    a.insert(1, entity.find("d:Signature", s.NS))
    extensions = E.Element(s.pq("Extensions"))
    extensions.append(entity)
    r.insert(1, extensions)
    return written(r)


@hostile("donor-other-response", "donor", "signature.invalid", "the signature of an earlier response of the same provider on another response with its ID")
def _(c):
    earlier, _ = signed(c, "response")
    r, _ = unsigned(c, nameid=c.victim, rid=earlier.get("ID"))
    r.insert(1, earlier.find("d:Signature", s.NS))
    return written(r)


# ---------- IDs
def twin(name, why, attribute):
    @hostile(name, "ids", "gate.duplicate-id", why, "ruby-saml CVE-2025-66567; lightsaml CVE-2026-63182")
    def _(c):
        r, a = signed(c)
        extensions = E.Element(s.pq("Extensions"))
        E.SubElement(extensions, "{urn:evil}claims", {attribute: a.get("ID")}).text = c.victim
        r.insert(1, extensions)
        return written(r)


twin("id-twin-lower-case", "another element has the ID of the signed one, as `id`", "id")
twin("id-twin-mixed-case", "another element has the ID of the signed one, as `Id`", "Id")
twin("id-twin-xml-id", "another element has the ID of the signed one, as `xml:id`", "{http://www.w3.org/XML/1998/namespace}id")
twin("id-twin-namespaced", "another element has the ID of the signed one, in a namespace of its own", "{urn:evil}ID")


@hostile("id-twin-padded", "ids", "gate.duplicate-id", "another element has the signed ID with spaces around it, as `xml:id`, which drops them")
def _(c):
    r, a = signed(c)
    extensions = E.Element(s.pq("Extensions"))
    E.SubElement(extensions, "{urn:evil}claims", {"{http://www.w3.org/XML/1998/namespace}id": f"  {a.get('ID')} "})
    r.insert(1, extensions)
    return written(r)


@hostile("id-response-is-assertion", "ids", "gate.duplicate-id", "response and assertion have the same ID")
def _(c):
    return written(signed(c, aid="_same", rid="_same")[0])


def bad_id(name, why, value):
    hostile(name, "ids", "gate.id", why)(lambda c: written(signed(c, aid=value)[0]))


bad_id("id-empty", "the ID is empty", "")
bad_id("id-digit", "the ID begins with a digit", "1234567890")
bad_id("id-space", "the ID has a space in it", "_a b")
bad_id("id-xpath", "the ID closes an XPath text", "_a') or contains(., 'admin")
bad_id("id-unicode", "the ID has a letter outside ASCII", "_\u00e4\u0430")
bad_id("id-long", "the ID has 300 characters", "_" + "a" * 299)
bad_id("id-colon", "the ID has a colon", "a:b")
bad_id("id-line-end", "the ID ends in a line feed", "_a\n")


def respelt(name, why, new):
    hostile(name, "ids", "gate.id", why)(lambda c: swapped(written(signed(c)[0]), b"<saml:Assertion ID=", b"<saml:Assertion " + new, 1))


respelt("id-only-lower-case", "the assertion has `id` and no ID", b"id=")
respelt("id-only-xml-id", "the assertion has `xml:id` and no ID", b"xml:id=")
respelt("id-two-spellings", "the assertion has an ID and an Id", b'Id="_other" ID=')
respelt("id-namespaced", "the assertion has an ID, and a saml:ID", b'saml:ID="_other" ID=')


# ---------- namespaces
def in_namespace(name, refused_by, why, change, refs=""):
    """`change` edits the text of a genuinely signed response."""
    hostile(name, "namespaces", refused_by, why, refs)(lambda c: change(written(signed(c)[0])))


@hostile("ns-assertion-foreign", "namespaces", "gate.assertion-place", "the only Assertion is in a foreign namespace, and signed")
def _(c):
    r, a = unsigned(c)
    foreign = E.fromstring(written(a).replace(s.S.encode(), b"urn:evil:assertion"))
    r.replace(a, foreign)
    sign(foreign, c.idp)
    return written(r)


@hostile("ns-assertion-none", "namespaces", "gate.assertion-place", "the only Assertion is in no namespace, and signed")
def _(c):
    r, a = unsigned(c)
    a.tag = "Assertion"
    sign(a, c.idp)
    return written(r)


DSIG = b"http://www.w3.org/2000/09/xmldsig#"
in_namespace("ns-signature-without-hash", "gate.stray-signature", "the signature's namespace lacks its #", lambda x: swapped(x, b'xmlns:ds="' + DSIG, b'xmlns:ds="' + DSIG[:-1]))
in_namespace("ns-signature-case", "gate.stray-signature", "the signature's namespace in another case", lambda x: swapped(x, b'xmlns:ds="' + DSIG, b'xmlns:ds="http://WWW.W3.org/2000/09/xmldsig#'))
in_namespace("ns-signed-info-rebound", "gate.signature", "SignedInfo binds the prefix of the signature to another namespace", lambda x: swapped(x, b"<ds:SignedInfo", b'<ds:SignedInfo xmlns:ds="urn:evil"', 1), "ruby-saml CVE-2025-25292")
in_namespace("ns-reference-rebound", "gate.signature", "Reference binds the prefix of the signature to another namespace", lambda x: swapped(x, b"<ds:Reference", b'<ds:Reference xmlns:ds="urn:evil"', 1), "ruby-saml CVE-2025-25292")
in_namespace("ns-relative", "gate.relative-namespace", "a relative namespace in the signed assertion", lambda x: swapped(x, b"<saml:Conditions", b'<saml:Conditions xmlns:v="v"', 1), "ruby-saml CVE-2025-66568")
in_namespace("ns-relative-in-signed-info", "gate.relative-namespace", "a relative namespace in SignedInfo", lambda x: swapped(x, b"<ds:SignedInfo", b'<ds:SignedInfo xmlns:v="1"', 1), "ruby-saml CVE-2025-66568")
in_namespace("ns-space", "gate.relative-namespace", "the assertion's namespace with a space behind it", lambda x: swapped(x, s.S.encode() + b'"', s.S.encode() + b' "'))
in_namespace("ns-undeclare-prefix", "gate.relative-namespace", "xmlns:saml=\"\", which only Namespaces 1.1 knows", lambda x: swapped(x, b"<samlp:StatusCode", b'<samlp:StatusCode xmlns:saml=""', 1))
in_namespace("ns-xml-rebound", "gate.reserved-namespace", "the prefix xml bound to another namespace", lambda x: swapped(x, b"<samlp:Status>", b'<samlp:Status xmlns:xml="urn:evil">', 1))
in_namespace("ns-xmlns-bound", "gate.reserved-namespace", "the prefix xmlns bound", lambda x: swapped(x, b"<samlp:Status>", b'<samlp:Status xmlns:xmlns="urn:evil">', 1))
in_namespace("ns-alias-of-xml", "gate.reserved-namespace", "another prefix for the namespace of xml, so that a:id is xml:id", lambda x: swapped(x, b"<samlp:Status>", b'<samlp:Status xmlns:a="http://www.w3.org/XML/1998/namespace" a:id="_x">', 1))
in_namespace("ns-undeclared", "gate.undeclared-prefix", "a prefix that nothing declares", lambda x: swapped(x, b"<samlp:Status>", b'<samlp:Status evil:x="y">', 1))
in_namespace("ns-two-prefixes", "gate.duplicate-attribute", "one attribute under two prefixes of one namespace", lambda x: swapped(x, b"<samlp:Status>", b'<samlp:Status xmlns:a="urn:e" xmlns:b="urn:e" a:x="1" b:x="2">', 1))
in_namespace("ns-three-part-name", "gate.not-well-formed", "a name with two colons", lambda x: swapped(x, b"<samlp:Status>", b'<samlp:Status a:b:c="y">', 1))
in_namespace("ns-status-foreign", "gate.unknown-element", "the Status is in a foreign namespace", lambda x: swapped(x, b"<samlp:Status>", b'<samlp:Status xmlns:samlp="urn:evil">', 1))
