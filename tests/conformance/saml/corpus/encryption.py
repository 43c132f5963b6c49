"""encryption: assertions that are encrypted to us, and should not be read; what comes out of a ciphertext; what a ciphertext names."""
import base64

import sealed
from kit import E, at, case, good, hostile, s, sign, signed, swapped, unsigned, written

ALIKE = "signature.invalid"  # everything between the key and the signature


def closed(c, octets, cipher="aes256-gcm", transport="oaep-sha1", change=None, to=None):
    """An EncryptedAssertion around any octets; `change` may edit the element."""
    made = sealed.encrypted(octets, cipher, transport, to or c.sp.certb64)
    if change:
        change(made)
    return made


def response_with(c, inside, sign_response=False, key=None):
    """A Response with something in the place of its assertion."""
    r, a = unsigned(c)
    r.replace(a, inside)
    if sign_response:
        s.sign(r, key or c.idp)
    return r


def sealed_case(name, refused_by, why, change=None, refs="", family="encryption", sign_response=False, cipher="aes256-gcm", transport="oaep-sha1", **more):
    """A genuinely signed assertion, encrypted; then `change` edits the EncryptedAssertion."""
    @hostile(name, family, refused_by, why, refs, **more)
    def _(c):
        octets = s.c14n(signed(c)[1])
        element = closed(c, octets, cipher, transport, (lambda e: change(c, e)) if change else None)
        return written(response_with(c, element, sign_response))


def x(element, path):
    found = element.find(".//" + "/".join("x:" + step for step in path.split("/")), s.NS)
    assert found is not None, path
    return found


def set_octets(path, change):
    def edit(c, element):
        value = element.findall(".//x:CipherValue", s.NS)[0 if path == "key" else 1]
        value.text = s.b64(change(base64.b64decode(value.text)))
    return edit


def flipped(at_octet):
    def change(octets):
        octets = bytearray(octets)
        octets[at_octet] ^= 1
        return bytes(octets)
    return change


GCM, CBC = {"cipher": "aes256-gcm"}, {"cipher": "aes256-cbc"}
ORACLE = "gosaml2 GHSA-hwqm-qvj9-4jr2; padding oracles"
sealed_case("enc-gcm-tag", ALIKE, "a bit of the tag is wrong", set_octets("octets", flipped(-1)), ORACLE, **GCM)
sealed_case("enc-gcm-nonce", ALIKE, "a bit of the nonce is wrong", set_octets("octets", flipped(0)), ORACLE, **GCM)
sealed_case("enc-gcm-text", ALIKE, "a bit of the ciphertext is wrong", set_octets("octets", flipped(100)), ORACLE, **GCM)
sealed_case("enc-gcm-no-tag", ALIKE, "the tag is cut off", set_octets("octets", lambda o: o[:-16]), ORACLE, **GCM)
sealed_case("enc-gcm-short-tag", ALIKE, "four octets of the tag", set_octets("octets", lambda o: o[:-12]), ORACLE, **GCM)
sealed_case("enc-gcm-nonce-only", ALIKE, "a nonce and nothing else", set_octets("octets", lambda o: o[:12]), ORACLE, **GCM)
sealed_case("enc-empty", ALIKE, "an empty CipherValue", set_octets("octets", lambda o: b""), ORACLE, **GCM)
sealed_case("enc-cbc-iv", ALIKE, "a bit of the first block is wrong, so that the first < is another character", set_octets("octets", flipped(0)), ORACLE, **CBC)
sealed_case("enc-cbc-padding", ALIKE, "the last octet is wrong", set_octets("octets", flipped(-1)), ORACLE, **CBC)
sealed_case("enc-cbc-padding-block", ALIKE, "the block before the last is wrong", set_octets("octets", flipped(-17)), ORACLE, **CBC)
sealed_case("enc-cbc-half-block", ALIKE, "half a block at the end", set_octets("octets", lambda o: o[:-8]), ORACLE, **CBC)
sealed_case("enc-cbc-iv-only", ALIKE, "an initialisation vector and nothing else", set_octets("octets", lambda o: o[:16]), ORACLE, **CBC)
sealed_case("enc-cbc-block-missing", ALIKE, "the last block is cut off", set_octets("octets", lambda o: o[:-16]), ORACLE, **CBC)
sealed_case("enc-cbc-blocks-swapped", ALIKE, "two blocks change places", set_octets("octets", lambda o: o[:16] + o[32:48] + o[16:32] + o[48:]), ORACLE, **CBC)
sealed_case("enc-key-zero", ALIKE, "a wrapped key of zeros", set_octets("key", lambda o: bytes(len(o))), "Bleichenbacher")
sealed_case("enc-key-short", ALIKE, "half a wrapped key", set_octets("key", lambda o: o[:128]), "Bleichenbacher")
sealed_case("enc-key-empty", ALIKE, "an empty wrapped key", set_octets("key", lambda o: b""), "Bleichenbacher")
sealed_case("enc-key-flipped", ALIKE, "a bit of the wrapped key is wrong", set_octets("key", flipped(10)), "Bleichenbacher")
sealed_case("enc-key-of-other-length", ALIKE, "the wrapped key is that of a shorter cipher", lambda c, e: rewrap(c, e, 16))


def rewrap(c, element, length):
    value = element.find(".//x:CipherValue", s.NS)
    value.text = s.b64(sealed.wrapped(bytes(length), "oaep-sha1", c.sp.certb64))


@hostile("enc-to-somebody-else", "encryption", ALIKE, "encrypted to a key that is not ours")
def _(c):
    return written(response_with(c, closed(c, s.c14n(signed(c)[1]), to=c.att.certb64)))


# ---------- what is named
def method(path, uri):
    return lambda c, e: x(e, path).set("Algorithm", uri)


DATA, KEY = "EncryptedData/EncryptionMethod", "EncryptedKey/EncryptionMethod"
sealed_case("enc-cipher-3des", "encryption.cipher", "3DES by name", method(DATA, s.X + "tripledes-cbc"))
sealed_case("enc-cipher-unknown", "encryption.cipher", "a cipher that nobody knows", method(DATA, "urn:none"))
sealed_case("enc-cipher-null", "encryption.cipher", "no cipher", method(DATA, ""))
sealed_case("enc-cipher-parameter", "encryption.cipher", "a KeySize", lambda c, e: s.sub(x(e, DATA), s.xq("KeySize"), "8"))
sealed_case("enc-cipher-renamed", ALIKE, "AES-256-GCM under the name of CBC", method(DATA, s.X + "aes256-cbc"))
sealed_case("enc-transport-15-renamed", "encryption.key-transport", "RSA 1.5 by name", method(KEY, s.X + "rsa-1_5"), "Bleichenbacher")
sealed_case("enc-transport-15-as-oaep", ALIKE, "RSA 1.5 under the name of OAEP", lambda c, e: pkcs1_as_oaep(c, e), "Bleichenbacher")
sealed_case("enc-transport-key-wrap", "encryption.key-transport", "a key wrapped by a key that both should know", method(KEY, s.X + "kw-aes128"))
sealed_case("enc-transport-parameters", "encryption.key-transport", "OAEPparams", lambda c, e: s.sub(x(e, KEY), s.xq("OAEPparams"), "eA=="))
sealed_case("enc-transport-md5", "encryption.key-transport", "OAEP with MD5", lambda c, e: x(e, KEY).find("d:DigestMethod", s.NS).set("Algorithm", s.DIG["md5"]))
sealed_case("enc-reference", "encryption.reference", "a CipherReference to a web server", lambda c, e: reference(e, c.canary + "/cipher"), canary=True)
sealed_case("enc-reference-file", "encryption.reference", "a CipherReference to a file", lambda c, e: reference(e, "file://" + c.file), canary=True)
sealed_case("enc-retrieval-method", "encryption.reference", "a RetrievalMethod to a web server", lambda c, e: e.find(".//d:KeyInfo", s.NS).insert(0, retrieval("RetrievalMethod", s.D, c)), canary=True)
sealed_case("enc-key-info-reference", "encryption.reference", "a KeyInfoReference to a web server", lambda c, e: e.find(".//d:KeyInfo", s.NS).insert(0, retrieval("KeyInfoReference", "http://www.w3.org/2009/xmldsig11#", c)), canary=True)
sealed_case("enc-key-info-in-key", "encryption.reference", "a RetrievalMethod within the EncryptedKey", lambda c, e: x(e, KEY).addnext(key_info(retrieval("RetrievalMethod", s.D, c))), canary=True)
sealed_case("enc-two-keys", "encryption.shape", "two EncryptedKeys", lambda c, e: x(e, "EncryptedKey").addnext(E.fromstring(E.tostring(x(e, "EncryptedKey")))))
sealed_case("enc-no-key", "encryption.shape", "no EncryptedKey", lambda c, e: x(e, "EncryptedData").remove(e.find(".//d:KeyInfo", s.NS)))
sealed_case("enc-agreement", "encryption.shape", "an AgreementMethod in place of the key", lambda c, e: setattr(x(e, "EncryptedKey"), "tag", s.xq("AgreementMethod")))
sealed_case("enc-content", "encryption.shape", "what is encrypted is said to be content, not an element", lambda c, e: x(e, "EncryptedData").set("Type", s.X + "Content"))
sealed_case("enc-two-data", "encryption.shape", "two EncryptedData", lambda c, e: e.append(E.fromstring(E.tostring(x(e, "EncryptedData")))))
sealed_case("enc-no-method", "encryption.shape", "no EncryptionMethod", lambda c, e: x(e, "EncryptedData").remove(x(e, DATA)))
sealed_case("enc-properties", "encryption.shape", "EncryptionProperties", lambda c, e: s.sub(x(e, "EncryptedData"), s.xq("EncryptionProperties")))
sealed_case("enc-no-base64", "encryption.shape", "a CipherValue that is not base64", lambda c, e: setattr(e.findall(".//x:CipherValue", s.NS)[1], "text", "*"))
sealed_case("enc-id-beside", "encryption.shape", "an EncryptedID beside it", lambda c, e: s.sub(e, s.sq("EncryptedID")))
sealed_case("enc-foreign", "gate.assertion-place", "an EncryptedAssertion of another namespace", lambda c, e: setattr(e, "tag", "{urn:evil}EncryptedAssertion"))


def pkcs1_as_oaep(c, element):
    element.find(".//x:CipherValue", s.NS).text = s.b64(sealed.wrapped(bytes(32), "rsa15", c.sp.certb64))


def reference(element, uri):
    data = element.findall(".//x:CipherData", s.NS)[1]
    data.clear()
    s.sub(data, s.xq("CipherReference"), URI=uri)


def retrieval(name, namespace, c):
    return E.Element("{" + namespace + "}" + name, URI=c.canary + "/key")


def key_info(child):
    made = E.Element(s.dq("KeyInfo"), nsmap={"ds": s.D})
    made.append(child)
    return made


# ---------- what is beside it
def beside(name, refused_by, why, change, refs=""):
    """`change` gets the kit, a response with a genuine encrypted assertion, that one, and a signed one in the clear."""
    @hostile(name, "encryption", refused_by, why, refs)
    def _(c):
        element = closed(c, s.c14n(signed(c)[1]))
        r = response_with(c, element)
        change(c, r, element, s.evil(c, unsigned(c)[1]))
        return written(r)


KEYCLOAK = "Keycloak CVE-2026-2092"
beside("enc-clear-before", "encryption.assertion-beside", "an unsigned assertion in the clear before the encrypted one", lambda c, r, e, a: e.addprevious(a), KEYCLOAK)
beside("enc-clear-behind", "encryption.assertion-beside", "an unsigned assertion in the clear behind the encrypted one", lambda c, r, e, a: e.addnext(a), KEYCLOAK)
beside("enc-clear-in-extensions", "encryption.assertion-beside", "an unsigned assertion in Extensions", lambda c, r, e, a: extensions(r, a), KEYCLOAK)
beside("enc-twice", "encryption.assertion-count", "the encrypted assertion twice", lambda c, r, e, a: e.addnext(E.fromstring(E.tostring(e))))
beside("enc-unsigned-first", "encryption.assertion-count", "an encrypted unsigned assertion before the signed one", lambda c, r, e, a: e.addprevious(closed(c, s.c14n(a))), KEYCLOAK)
beside("enc-in-extensions", "gate.assertion-place", "the encrypted assertion in Extensions", lambda c, r, e, a: extensions(r, e))
beside("enc-data-alone", "gate.encrypted-assertion", "an EncryptedData beside an assertion in the clear", lambda c, r, e, a: (r.replace(e, a), extensions(r, x(e, "EncryptedData"))))
beside("enc-stray-signature", "gate.stray-signature", "a signature in the Status", lambda c, r, e, a: r.find("p:Status", s.NS).append(signed(c)[1].find("d:Signature", s.NS)))
beside("enc-id-of-response", "gate.duplicate-id", "the EncryptedData has the ID of the response", lambda c, r, e, a: x(e, "EncryptedData").set("Id", r.get("ID")))
beside("enc-nested-response", "gate.nested-response", "a Response in Extensions", lambda c, r, e, a: extensions(r, E.Element(s.pq("Response"))))


def extensions(r, child):
    held = E.Element(s.pq("Extensions"))
    r.insert(1, held)
    held.append(child)


# ---------- what comes out
def inside(name, why, make, refs="GHES CVE-2024-4985, CVE-2024-9487", sign_response=False, refused_by=ALIKE, cipher="aes256-gcm", expect="reject"):
    """`make` gets the kit and gives the octets that are encrypted."""
    @case(name, "plaintext", expect, refused_by, why, refs)
    def _(c):
        return written(response_with(c, closed(c, make(c), cipher), sign_response))


def clear(c, **fields):
    return s.c14n(signed(c, **fields)[1])


def victim(c):
    return s.c14n(s.evil(c, unsigned(c)[1]))


inside("enc-plain-unsigned", "nobody signed what is inside: anybody can encrypt to us", victim)
inside("enc-plain-unsigned-cbc", "the same with CBC", victim, cipher="aes128-cbc")
inside("enc-plain-two", "a signed assertion, and an unsigned one behind it", lambda c: clear(c) + victim(c))
inside("enc-plain-two-unsigned-first", "an unsigned assertion, and a signed one behind it", lambda c: victim(c) + clear(c))
inside("enc-plain-comment", "a comment before the assertion", lambda c: b"<!-- -->" + clear(c))
inside("enc-plain-text", "text behind the assertion, which is text of the response", lambda c: clear(c) + b"x", refused_by=None, expect="safe")
inside("enc-plain-declaration", "an XML declaration before the assertion", lambda c: b'<?xml version="1.0"?>' + clear(c))
inside("enc-plain-entity", "a document type with an entity", lambda c: b'<!DOCTYPE a [<!ENTITY u "admin@corp.test">]>' + swapped(clear(c), c.user.encode(), b"&u;"))
inside("enc-plain-mark", "a byte order mark before the assertion, which is text of the response", lambda c: b"\xef\xbb\xbf" + clear(c), refused_by=None, expect="safe")
inside("enc-plain-utf-16", "the assertion in UTF-16", lambda c: clear(c).decode().encode("utf-16"))
inside("enc-plain-closes-response", "an end tag of the response, and a response of one's own behind it", lambda c: victim(c) + b"</samlp:Response>" + clear(c))
inside("enc-plain-status", "an assertion, and a Status of its own", lambda c: clear(c) + b'<samlp:Status xmlns:samlp="' + s.P.encode() + b'"/>')
inside("enc-plain-response", "a whole signed response", lambda c: s.c14n(signed(c, "response")[0]))
inside("enc-plain-other-element", "something that is no assertion", lambda c: b"<x>admin@corp.test</x>")
inside("enc-plain-text-only", "text", lambda c: b"admin@corp.test")
inside("enc-plain-undeclared", "an assertion whose prefix only the outer document declares, unsigned", lambda c: swapped(victim(c), b' xmlns:saml="' + s.S.encode() + b'"', b""))
inside("enc-plain-tampered", "a signed assertion that was changed", lambda c: swapped(clear(c), c.user.encode(), c.victim.encode()))
inside("enc-plain-encrypted", "an encrypted assertion in an encrypted assertion", lambda c: s.c14n(closed(c, clear(c))))
inside("enc-plain-signature-of-other", "an unsigned assertion with the signature of another", lambda c: with_foreign_signature(c))
inside("enc-plain-expired", "a signed assertion that has expired: told, because it is no hint at the ciphertext", lambda c: clear(c, noa=at(-3600), nb=at(-7200)), refused_by="check.expired")
inside("enc-plain-audience", "a signed assertion for somebody else", lambda c: clear(c, audiences=[[c.other_sp]]), refused_by="check.audience")
inside("enc-plain-encrypted-id", "an EncryptedID within the assertion", lambda c: swapped(clear(c), b"saml:NameID", b"saml:EncryptedID"), refused_by="gate.encrypted-id")
inside("enc-plain-signed-response-unreadable", "a signed response around an assertion without Issuer", lambda c: without_issuer(c), sign_response=True, refused_by="assertion.issuer")


def with_foreign_signature(c):
    a = s.evil(c, unsigned(c)[1])
    a.insert(1, signed(c)[1].find("d:Signature", s.NS))
    return s.c14n(a)


def without_issuer(c):
    a = unsigned(c)[1]
    a.remove(a.find("s:Issuer", s.NS))
    return s.c14n(a)


@hostile("enc-signature-stripped", "plaintext", ALIKE, "the response's signature was taken off; what is inside has none", "GHES CVE-2024-9487")
def _(c):
    r = response_with(c, closed(c, s.c14n(unsigned(c)[1])), sign_response=True)
    r.remove(r.find("d:Signature", s.NS))
    return written(r)


@hostile("enc-response-by-attacker", "plaintext", ALIKE, "a genuine encrypted assertion in a response that anybody signed")
def _(c):
    return written(response_with(c, closed(c, clear(c)), True, c.att))


@hostile("enc-replaced-in-signed-response", "plaintext", ALIKE, "the EncryptedAssertion of a signed response replaced by one that anybody can make")
def _(c):
    r = response_with(c, closed(c, clear(c)), sign_response=True)
    r.replace(r.find("s:EncryptedAssertion", s.NS), closed(c, victim(c)))
    return written(r)


@hostile("enc-signed-over-assertion-id", "plaintext", "gate.reference-uri", "the response's signature refers to the assertion that is encrypted")
def _(c):
    r, a = unsigned(c)
    s.sign(r, c.idp, uri="#" + a.get("ID"), octets=s.c14n(a))
    r.replace(a, closed(c, s.c14n(a)))
    return written(r)


# ---------- good ones
def good_sealed(name, why, cipher, transport, what):
    @good(name, why)
    def _(c):
        r, a = unsigned(c)
        if what in ("assertion", "both"):
            sign(a, c.p256, "ecdsa-sha256")
        r.replace(a, closed(c, s.c14n(a), cipher, transport))
        if what in ("response", "both"):
            sign(r, c.idp)
        return written(r)


good_sealed("valid-enc-aes192-gcm", "AES-192-GCM under RSA-OAEP with SHA-256, both signed by keys of two kinds", "aes192-gcm", "oaep-sha256", "both")
good_sealed("valid-enc-aes192-cbc", "AES-192-CBC, the assertion inside signed with ECDSA", "aes192-cbc", "oaep-sha1", "assertion")
good_sealed("valid-enc-response-only", "AES-256-GCM, only the response is signed", "aes256-gcm", "oaep-sha1", "response")


@good("valid-enc-key-beside", "the EncryptedKey beside the EncryptedData, as SAML allows")
def _(c):
    element = closed(c, clear(c))
    data = x(element, "EncryptedData")
    element.append(x(element, "EncryptedKey"))
    data.remove(data.find("d:KeyInfo", s.NS))
    return written(response_with(c, element))
