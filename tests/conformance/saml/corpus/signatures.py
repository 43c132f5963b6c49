"""signatures: what a SignedInfo may not be, keys that nobody configured, algorithms of another age, values that are no values."""
import base64
import hashlib

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography import x509

from kit import (DIGESTS, E, MORE, SIGNATURES, case, hostile, s, sign, signature_value, signed, swapped, transform, unsigned, written)

CRYPTO = "xml-crypto CVE-2025-29774, CVE-2025-29775"


def crafted(name, family, refused_by, why, refs="", **knobs):
    """A response with an assertion that is signed by samlattack's signer with other knobs; callables get the kit."""
    @hostile(name, family, refused_by, why, refs)
    def _(c):
        given = {knob: value(c) if callable(value) and knob != "mutate" else value for knob, value in knobs.items()}
        r, a = unsigned(c, nameid=c.victim)
        s.sign(a, given.pop("key", c.idp), **given)
        return written(r)


def edited(name, family, refused_by, why, edit, refs=""):
    """A genuinely signed assertion whose Signature is changed afterwards."""
    @hostile(name, family, refused_by, why, refs)
    def _(c):
        r, a = signed(c)
        edit(a.find("d:Signature", s.NS))
        return written(r)


def part(signature, path):
    return signature.find("/".join("d:" + step for step in path.split("/")), s.NS)


def set_text(path, change):
    def edit(signature):
        element = part(signature, path)
        element.text = change(element.text)
    return edit


def dropped(path):
    def edit(signature):
        element = part(signature, path)
        element.getparent().remove(element)
    return edit


VALUE, INFO, REFERENCE = "SignatureValue", "SignedInfo", "SignedInfo/Reference"
DIGEST = REFERENCE + "/DigestValue"
edited("sig-value-empty", "signature", "gate.signature-value", "an empty SignatureValue", set_text(VALUE, lambda text: ""))
edited("sig-value-blank", "signature", "gate.signature-value", "a SignatureValue of white space", set_text(VALUE, lambda text: " \n\t "))
edited("sig-value-no-base64", "signature", "gate.signature", "a SignatureValue that is not base64", set_text(VALUE, lambda text: "*" + text[1:]))
edited("sig-value-half", "signature", "signature.invalid", "half a SignatureValue", set_text(VALUE, lambda text: text[:172]))
edited("sig-value-zero", "signature", "signature.invalid", "a SignatureValue of 256 zero octets", set_text(VALUE, lambda text: s.b64(bytes(256))))
edited("sig-value-longer", "signature", "signature.invalid", "octets behind the signature", set_text(VALUE, lambda text: s.b64(base64.b64decode(text) + b"\x00")))
edited("sig-value-zero-before", "signature", "signature.invalid", "a zero octet before the signature", set_text(VALUE, lambda text: s.b64(b"\x00" + base64.b64decode(text))))
edited("sig-digest-empty", "signature", "gate.digest-value", "an empty DigestValue", set_text(DIGEST, lambda text: ""), "goxmldsig: empty against empty")
edited("sig-digest-truncated", "signature", "gate.digest-value", "half a DigestValue", set_text(DIGEST, lambda text: s.b64(base64.b64decode(text)[:16])))
edited("sig-digest-longer", "signature", "gate.digest-value", "a DigestValue with an octet more", set_text(DIGEST, lambda text: s.b64(base64.b64decode(text) + b"\x00")))
edited("sig-digest-padding", "signature", "gate.signature", "a DigestValue with more padding than base64 has", set_text(DIGEST, lambda text: text + "="))
edited("sig-digest-trailing-bits", "signature", "gate.signature", "a DigestValue whose last letter has bits that count for nothing",
       set_text(DIGEST, lambda text: text[:-2] + chr(ord(text[-2]) + 1) + "="))
edited("sig-no-signed-info", "signature", "gate.signature", "no SignedInfo", dropped(INFO))
edited("sig-no-value", "signature", "gate.signature", "no SignatureValue", dropped(VALUE))
edited("sig-no-canonicalisation", "signature", "gate.signed-info", "no CanonicalizationMethod", dropped(INFO + "/CanonicalizationMethod"))
edited("sig-no-transforms", "signature", "gate.signature-reference", "no Transforms", dropped(REFERENCE + "/Transforms"))
edited("sig-no-digest", "signature", "gate.signature-reference", "no DigestValue", dropped(DIGEST))
edited("sig-value-before-signed-info", "signature", "gate.signature", "SignatureValue before SignedInfo", lambda sg: sg.insert(0, part(sg, VALUE)))
edited("sig-two-key-infos", "signature", "gate.signature", "two KeyInfos", lambda sg: s.sub(sg, s.dq("KeyInfo")))
edited("sig-nested", "signature", "gate.key-info", "a Signature within KeyInfo", lambda sg: s.sub(part(sg, "KeyInfo"), s.dq("Signature")))
edited("sig-signed-info-changed", "signature", "signature.invalid", "the digest method changed to SHA-512, the digest with it, not the signature",
       lambda sg: (part(sg, REFERENCE + "/DigestMethod").set("Algorithm", DIGESTS["sha512"]), set_text(DIGEST, lambda text: s.b64(bytes(64)))(sg)))


@hostile("sig-digest-replaced", "signature", "signature.invalid", "the identity and the digest changed, the signature of SignedInfo as it was", "ruby-saml CVE-2024-45409")
def _(c):
    r, a = signed(c)
    s.set_user(a, c.victim)
    clone = s.nosig(a)
    part(a.find("d:Signature", s.NS), DIGEST).text = s.b64(hashlib.sha256(s.c14n(clone)).digest())
    return written(r)


def in_digest(name, refused_by, why, hidden):
    @hostile(name, "signature", refused_by, why, CRYPTO)
    def _(c):
        r, a = signed(c)
        return swapped(written(r), b"<ds:DigestValue>", b"<ds:DigestValue>" + hidden, 1)


in_digest("sig-digest-pi", "gate.processing-instruction", "a processing instruction in DigestValue", b"<?x y?>")
in_digest("sig-digest-cdata", "gate.cdata", "a CDATA section in DigestValue", b"<![CDATA[]]>")
in_digest("sig-digest-element", "gate.mixed-content", "an element in DigestValue", b"<ds:x/>")


@hostile("sig-comment-in-signed-info", "signature", "gate.comment", "a comment in SignedInfo, which canonicalisation drops", CRYPTO)
def _(c):
    return swapped(written(signed(c)[0]), b"<ds:SignedInfo>", b"<ds:SignedInfo><!--" + b"<ds:Reference/>" + b"-->", 1)


@hostile("sig-two-references-evil-first", "signature", "gate.signed-info", "the first of two References is that of an evil element", "goxmldsig CVE-2026-33487")
def _(c):
    r, a = unsigned(c)
    extensions = E.Element(s.pq("Extensions"))
    claim = E.SubElement(extensions, "{urn:evil}claims", ID="_evil")
    r.insert(1, extensions)
    s.sign(a, c.idp, extra_refs=[("#_evil", [s.EXC], s.c14n(claim))])
    references = a.findall(".//d:Reference", s.NS)
    references[0].addprevious(references[1])
    return written(r)


crafted("sig-digest-of-nothing", "signature", "signature.invalid", "the genuine key signed the digest of no octets", "void canonicalisation", octets=b"")
crafted("sig-digest-of-other-octets", "signature", "signature.invalid", "the genuine key signed the digest of other octets", octets=b"<x></x>")

# ---------- transforms, canonicalisation, references
TRANSFORM = "transform"
XPATH, FILTER = "http://www.w3.org/TR/1999/REC-xpath-19991116", "http://www.w3.org/2002/06/xmldsig-filter2"
crafted("tr-enveloped-only", TRANSFORM, "gate.transforms", "no canonicalisation among the transforms", transforms=[s.ENV])
crafted("tr-none", TRANSFORM, "gate.transforms", "no transform", transforms=[])
crafted("tr-order", TRANSFORM, "gate.transforms", "canonicalisation before enveloped-signature", transforms=[s.EXC, s.ENV])
crafted("tr-twice", TRANSFORM, "gate.transforms", "canonicalisation twice", transforms=[s.ENV, s.EXC, s.EXC])
crafted("tr-base64", TRANSFORM, "gate.canonicalisation", "a base64 transform", transforms=[s.ENV, s.D + "base64"])
crafted("tr-comments", TRANSFORM, "gate.canonicalisation", "exclusive canonicalisation with comments", transforms=[s.ENV, s.EXC + "WithComments"])
crafted("tr-inclusive", TRANSFORM, "gate.canonicalisation", "inclusive canonicalisation", transforms=[s.ENV, s.INC], can=s.INC)
crafted("tr-inclusive-11", TRANSFORM, "gate.canonicalisation", "inclusive canonicalisation 1.1", transforms=[s.ENV, "http://www.w3.org/2006/12/xml-c14n11"])
crafted("tr-signed-info-inclusive", TRANSFORM, "gate.canonicalisation", "SignedInfo is canonicalised inclusively", si_can=s.INC)
crafted("tr-signed-info-comments", TRANSFORM, "gate.canonicalisation", "SignedInfo is canonicalised with comments", si_can=s.EXC + "WithComments")
crafted("tr-unknown", TRANSFORM, "gate.canonicalisation", "a transform that nobody knows", transforms=[s.ENV, "urn:evil:transform"])
crafted("tr-xpath-nothing", TRANSFORM, "gate.transforms", "an XPath that selects nothing, the genuine key", transforms=lambda c: [s.xp("false()"), s.EXC], octets=b"")
crafted("tr-xpath-subtree", TRANSFORM, "gate.transforms", "an XPath that leaves the Subject out, the genuine key", transforms=lambda c: [s.xp("not(ancestor-or-self::*[local-name()='Subject'])"), s.EXC])


def filter2():
    element = E.Element(s.dq("Transform"), {"Algorithm": FILTER})
    E.SubElement(element, E.QName(FILTER, "XPath"), Filter="subtract").text = "//*[local-name()='Subject']"
    return element


crafted("tr-xpath-filter-2", TRANSFORM, "gate.transforms", "an XPath filter that takes the Subject away", transforms=lambda c: [s.ENV, filter2(), s.EXC])
crafted("tr-prefix-list-long", TRANSFORM, "gate.canonicalisation", "a PrefixList of over 100 octets", transforms=lambda c: [s.ENV, transform(s.EXC, " ".join(f"p{n}" for n in range(40)))])
crafted("tr-parameters", TRANSFORM, "gate.canonicalisation", "a parameter of canonicalisation that is none", transforms=lambda c: [s.ENV, with_child("{urn:evil}x")])
crafted("tr-prefix-list-namespace", TRANSFORM, "gate.canonicalisation", "InclusiveNamespaces in the namespace of inclusive canonicalisation",
        transforms=lambda c: [s.ENV, with_child("{" + s.INC + "}InclusiveNamespaces")])
crafted("tr-prefix-list-twice", TRANSFORM, "gate.canonicalisation", "two InclusiveNamespaces", transforms=lambda c: [s.ENV, with_child(*["{" + s.EXC + "}InclusiveNamespaces"] * 2)])


def with_child(*names):
    element = transform(s.EXC)
    for name in names:
        E.SubElement(element, name, PrefixList="saml")
    return element


def prefix_list(name, expect, refused_by, why, prefixes, declared):
    @case(name, TRANSFORM, expect, refused_by, why, "InclusiveNamespaces")
    def _(c):
        r, a = unsigned(c)
        r = E.fromstring(swapped(written(r), b"<samlp:Response ", b"<samlp:Response " + declared, 1))
        sign(s.A(r), c.idp, prefixes=prefixes)
        return written(r)


prefix_list("tr-prefix-list-unused", "safe", None, "a PrefixList whose namespace is declared outside the assertion", "e", b'xmlns:e="urn:evil" ')
prefix_list("tr-prefix-list-unbound", "safe", None, "a PrefixList with a prefix that is bound to nothing", "nothing", b"")


def referring(name, why, uri, **more):
    crafted(name, "reference", "gate.reference-uri", why, uri=uri, **more)


referring("ref-hash-only", "URI=\"#\"", "#")
referring("ref-xpointer-root", "URI=\"#xpointer(/)\"", "#xpointer(/)")
referring("ref-other", "a Reference to an ID that is not there", "#_other")
referring("ref-signature", "a Reference to the signature's own KeyInfo", "#_key")
referring("ref-cid", "a Reference to an attachment", "cid:evil@corp.test")


def referring_to_own(name, why, write):
    @hostile(name, "reference", "gate.reference-uri", why)
    def _(c):
        r, a = unsigned(c)
        s.sign(a, c.idp, uri=write(a.get("ID"), c))
        return written(r)


referring_to_own("ref-no-hash", "the ID without #", lambda own, c: own)
referring_to_own("ref-space", "a space before the #", lambda own, c: " #" + own)
referring_to_own("ref-escaped", "the ID with an escaped letter", lambda own, c: "#%5F" + own[1:])
referring_to_own("ref-case", "the ID in capitals", lambda own, c: "#" + own.upper())
referring_to_own("ref-document", "a document and the ID in it", lambda own, c: "response.xml#" + own)


@hostile("ref-absent", "reference", "gate.reference-uri", "a Reference without URI")
def _(c):
    r, a = unsigned(c)
    s.sign(a, c.idp, mutate=lambda info: part(info, "Reference").attrib.pop("URI"))
    return written(r)


@hostile("ref-response-of-assertion", "reference", "gate.reference-uri", "the assertion's signature covers the response around it")
def _(c):
    r, a = unsigned(c)
    s.sign(a, c.idp, uri="#" + r.get("ID"), octets=s.c14n(r))
    return written(r)


def fetching(name, why, uri, key):
    @hostile(name, "reference", "gate.reference-uri", why, "samael dereferences before it looks at the key", canary=True)
    def _(c):
        r, a = unsigned(c)
        s.sign(a, getattr(c, key), uri=uri(c, a), transforms=[s.ENV, s.EXC])
        return written(r)


for _key in ("idp", "att"):
    _who = "the genuine key" if _key == "idp" else "anybody's key"
    fetching(f"ref-http-{_key}", f"a Reference to a web server, {_who}", lambda c, a: c.canary + "/reference", _key)
    fetching(f"ref-http-fragment-{_key}", f"a Reference to a web server with the right fragment, {_who}", lambda c, a: f"{c.canary}/reference#{a.get('ID')}", _key)
    fetching(f"ref-file-{_key}", f"a Reference to a file, {_who}", lambda c, a: "file://" + c.file, _key)
    fetching(f"ref-path-{_key}", f"a Reference to a path, {_who}", lambda c, a: c.file, _key)


@hostile("ref-http-second", "reference", "gate.signed-info", "a second Reference to a web server, the genuine key", canary=True)
def _(c):
    r, a = unsigned(c)
    s.sign(a, c.idp, extra_refs=[(c.canary + "/second", [s.EXC], b"")])
    return written(r)


# ---------- keys
KEY = "key"


def key_info(name, refused_by, why, make, key="att", refs="", **more):
    @hostile(name, KEY, refused_by, why, refs, **more)
    def _(c):
        r, a = unsigned(c, nameid=c.victim)
        s.sign(a, getattr(c, key), keyinfo=make(c))
        return written(r)


def element(name, text=None, children=(), **attributes):
    made = E.Element(s.dq(name) if not name.startswith("{") else name, attributes)
    made.text = text
    made.extend(children)
    return made


D11 = "{http://www.w3.org/2009/xmldsig11#}"
key_info("key-reference-11", "gate.key-info", "a KeyInfoReference to a web server", lambda c: element(D11 + "KeyInfoReference", URI=c.canary + "/key"), canary=True)
key_info("key-retrieval-file", "gate.key-info", "a RetrievalMethod to a file", lambda c: element("RetrievalMethod", URI="file://" + c.file, Type=s.D + "rawX509Certificate"), canary=True)
key_info("key-retrieval-genuine", "gate.key-info", "a RetrievalMethod to a web server, the genuine key", lambda c: element("RetrievalMethod", URI=c.canary + "/key"), key="idp", canary=True)
key_info("key-pgp", "gate.key-info", "PGPData", lambda c: element("PGPData"))
key_info("key-spki", "gate.key-info", "SPKIData", lambda c: element("SPKIData"))
key_info("key-mgmt", "gate.key-info", "MgmtData", lambda c: element("MgmtData", "x"))
key_info("key-dsa-value", "gate.key-info", "a KeyValue for DSA", lambda c: element("KeyValue", children=[element("DSAKeyValue")]))
key_info("key-agreement", "gate.key-info", "an AgreementMethod", lambda c: element(str(s.xq("AgreementMethod")), Algorithm=s.X + "dh"))
key_info("key-encrypted-key", "gate.encrypted-assertion", "an EncryptedKey in the KeyInfo of a signature", lambda c: element(str(s.xq("EncryptedKey"))))
key_info("key-der-value", "gate.key-info", "a DEREncodedKeyValue", lambda c: element(D11 + "DEREncodedKeyValue", s.b64(b"x")))
key_info("key-name-of-provider", "signature.invalid", "anybody's key under the name of the provider's", lambda c: element("KeyName", "CN=idp.test"))
key_info("key-two-certificates", "signature.invalid", "anybody's certificate, then the provider's",
         lambda c: element("X509Data", children=[element("X509Certificate", c.att.certb64), element("X509Certificate", c.idp.certb64)]))
key_info("key-issuer-serial", "signature.invalid", "anybody's key under issuer and serial of the provider's certificate", lambda c: element("X509Data", children=[
    element("X509IssuerSerial", children=[element("X509IssuerName", "CN=idp.test"), element("X509SerialNumber", str(c.idp.cert.serial_number))])]))
crafted("key-value-of-attacker", KEY, "signature.invalid", "anybody's key as KeyValue", key=lambda c: c.att, keyinfo="keyvalue")
crafted("key-of-service-provider", KEY, "signature.invalid", "signed with the key that we decrypt with", key=lambda c: c.sp)


@hostile("key-same-names", KEY, "signature.invalid", "anybody's key in a certificate with the provider's names, serial and dates")
def _(c):
    genuine, own = c.idp.cert, rsa.generate_private_key(65537, 2048)
    built = x509.CertificateBuilder().subject_name(genuine.subject).issuer_name(genuine.issuer).serial_number(genuine.serial_number)
    built = built.public_key(own.public_key()).not_valid_before(genuine.not_valid_before_utc).not_valid_after(genuine.not_valid_after_utc)
    certificate = built.sign(own, hashes.SHA256())
    r, a = unsigned(c, nameid=c.victim)
    forged = type("Forged", (), {"key": own, "certb64": s.b64(certificate.public_bytes(s.serialization.Encoding.DER))})
    s.sign(a, forged)
    return written(r)


@hostile("key-signed-by-provider-certificate", KEY, "signature.invalid", "anybody's key in a certificate that the provider's key issued")
def _(c):
    own = rsa.generate_private_key(65537, 2048)
    genuine = c.idp.cert
    built = x509.CertificateBuilder().subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "issued")]))
    built = built.issuer_name(genuine.subject).serial_number(2).public_key(own.public_key())
    certificate = built.not_valid_before(genuine.not_valid_before_utc).not_valid_after(genuine.not_valid_after_utc).sign(c.idp.key, hashes.SHA256())
    r, a = unsigned(c, nameid=c.victim)
    issued = type("Issued", (), {"key": own, "certb64": s.b64(certificate.public_bytes(s.serialization.Encoding.DER))})
    s.sign(a, issued)
    return written(r)


# ---------- algorithms
ALG = "algorithm"


def algorithm(name, why, alg, key="idp", refused_by="gate.signature-algorithm", digest="sha256", refs=""):
    @hostile(name, ALG, refused_by, why, refs)
    def _(c):
        r, a = unsigned(c)
        sign(a, getattr(c, key), alg, digest)
        return written(r)


algorithm("alg-rsa-md5", "RSA over MD5, the genuine key", "rsa-md5")
algorithm("alg-rsa-sha224", "RSA over SHA-224, the genuine key", "rsa-sha224")
algorithm("alg-rsa-pss", "RSA-PSS, which is not on the list", "rsa-pss-sha256")
algorithm("alg-ecdsa-sha1", "ECDSA over SHA-1, the genuine key", "ecdsa-sha1", "p256")
algorithm("alg-digest-md5", "an MD5 digest, the genuine key", "rsa-sha256", digest="md5", refused_by="gate.digest-algorithm")
algorithm("alg-digest-sha224", "a SHA-224 digest, the genuine key", "rsa-sha256", digest="sha224", refused_by="gate.digest-algorithm")
for _bits in (1, 8, 80, 160):
    crafted(f"alg-hmac-truncated-{_bits}", ALG, "gate.signature-algorithm", f"HMAC-SHA1 cut to {_bits} bits, keyed with the certificate", "CVE-2009-0217",
            hmac_secret=lambda c: c.idp.der, hmac_alg=s.D + "hmac-sha1", hmac_len=_bits)
crafted("alg-hmac-sha512-pem", ALG, "gate.signature-algorithm", "HMAC-SHA512 by name, keyed with the certificate", hmac_secret=lambda c: c.idp.pem, hmac_alg=MORE + "hmac-sha512")


def named(name, refused_by, why, old, new):
    hostile(name, ALG, refused_by, why)(lambda c: swapped(written(signed(c)[0]), old, new, 1))


_METHOD = b'SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"'
named("alg-case", "gate.signature-algorithm", "the algorithm's URI in capitals", _METHOD, _METHOD.replace(b"rsa-sha256", b"RSA-SHA256"))
named("alg-space", "gate.signature-algorithm", "the algorithm's URI with a space behind it", _METHOD, _METHOD.replace(b"rsa-sha256", b"rsa-sha256 "))
named("alg-empty", "gate.signature-algorithm", "an empty algorithm", _METHOD, b'SignatureMethod Algorithm=""')
named("alg-absent", "gate.signature", "no algorithm", _METHOD, b"SignatureMethod")
named("alg-foreign-attribute", "gate.signature", "the algorithm in an attribute of another namespace", _METHOD, _METHOD.replace(b"Algorithm", b"ds:Algorithm"))
named("alg-dsa", "gate.signature-algorithm", "DSA by name", _METHOD, b'SignatureMethod Algorithm="http://www.w3.org/2000/09/xmldsig#dsa-sha1"')
named("alg-digest-none", "gate.digest-algorithm", "a digest that nobody knows", b'DigestMethod Algorithm="' + DIGESTS["sha256"].encode(), b'DigestMethod Algorithm="urn:none')


@hostile("alg-parameters", ALG, "gate.signature-algorithm", "an HMACOutputLength on an RSA signature")
def _(c):
    r, a = unsigned(c)
    s.sign(a, c.idp, mutate=lambda info: s.sub(part(info, "SignatureMethod"), s.dq("HMACOutputLength"), "0"))
    return written(r)


def ecdsa(name, why, value, refused_by="signature.invalid", refs="", key="p256"):
    @hostile(name, ALG, refused_by, why, refs)
    def _(c):
        r, a = unsigned(c, nameid=c.victim)
        sign(a, getattr(c, key), "ecdsa-sha256", value=value)
        return written(r)


ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_order = ORDER.to_bytes(32, "big")
ecdsa("ecdsa-zeros", "r and s are zero", lambda octets: bytes(64), refs="CVE-2022-21449")
ecdsa("ecdsa-r-zero", "r is zero", lambda octets: bytes(32) + octets[32:], refs="CVE-2022-21449")
ecdsa("ecdsa-s-zero", "s is zero", lambda octets: octets[:32] + bytes(32), refs="CVE-2022-21449")
ecdsa("ecdsa-order", "r and s are the order of the curve", lambda octets: _order + _order)
ecdsa("ecdsa-swapped", "s before r", lambda octets: octets[32:] + octets[:32])
ecdsa("ecdsa-half", "r without s", lambda octets: octets[:32])
ecdsa("ecdsa-longer", "zero octets behind s", lambda octets: octets + bytes(2))
ecdsa("ecdsa-attacker", "a key of anybody's on the same curve", None, key="stranger")
crafted("ecdsa-name-rsa-key", ALG, "signature.invalid", "an RSA signature under the name of ECDSA", mutate=lambda info: part(info, "SignatureMethod").set("Algorithm", SIGNATURES["ecdsa-sha256"][0]))


@hostile("rsa-name-ecdsa-key", ALG, "signature.invalid", "an ECDSA signature under the name of RSA")
def _(c):
    r, a = unsigned(c, nameid=c.victim)
    s.sign(a, c.idp)
    info = a.find(".//d:SignedInfo", s.NS)
    a.find(".//d:SignatureValue", s.NS).text = s.b64(signature_value(c.p256, s.c14n(info), "ecdsa-sha256"))
    return written(r)


@hostile("rsa-signature-plus-modulus", ALG, "signature.invalid", "the signature with the modulus added, which is the same number to careless code")
def _(c):
    r, a = signed(c)
    value = a.find(".//d:SignatureValue", s.NS)
    number = int.from_bytes(base64.b64decode(value.text), "big") + c.idp.key.public_key().public_numbers().n
    value.text = s.b64(number.to_bytes(257, "big"))
    return written(r)


@hostile("rsa-short-hash", ALG, "signature.invalid", "the genuine key signed a SHA-512 hash under the name of SHA-256")
def _(c):
    r, a = unsigned(c, nameid=c.victim)
    s.sign(a, c.idp)
    info = s.c14n(a.find(".//d:SignedInfo", s.NS))
    a.find(".//d:SignatureValue", s.NS).text = s.b64(c.idp.key.sign(info, padding.PKCS1v15(), hashes.SHA512()))
    return written(r)


@hostile("sig-response-of-other-key", "signature", "signature.invalid", "the assertion by the RSA key, the response by anybody's key on a curve")
def _(c):
    r, a = signed(c)
    sign(r, c.stranger, "ecdsa-sha256")
    return written(r)


@hostile("sig-response-tampered", "signature", "signature.invalid", "a good assertion in a response that was changed after it was signed")
def _(c):
    r, a = signed(c, "both")
    r.set("Consent", "urn:oasis:names:tc:SAML:2.0:consent:obtained")
    return written(r)


@hostile("sig-assertion-replaced-in-signed-response", "signature", "signature.invalid", "a signed response with another, genuinely signed assertion in it")
def _(c):
    r, a = signed(c, "both")
    r.replace(a, signed(c, nameid=c.victim)[1])
    return written(r)

