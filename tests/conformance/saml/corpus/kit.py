"""kit: what the cases of the corpus are made with: a clock that stands still, throw-away keys, a signer, a list of cases."""
import base64, copy, datetime as dt, hashlib, os, pathlib, sys, types

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from lxml import etree as E

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import samlattack as s  # noqa: E402


class Stopped(dt.datetime):
    """Says the same time for the whole corpus."""
    at = dt.datetime.now(dt.timezone.utc).replace(microsecond=0)

    @classmethod
    def now(cls, tz=None):
        return cls.at


s.dt = types.SimpleNamespace(datetime=Stopped, timedelta=dt.timedelta, timezone=dt.timezone)

MORE = "http://www.w3.org/2001/04/xmldsig-more#"
SIGNATURES = {
    "rsa-sha256": (MORE + "rsa-sha256", hashes.SHA256), "rsa-sha384": (MORE + "rsa-sha384", hashes.SHA384),
    "rsa-sha512": (MORE + "rsa-sha512", hashes.SHA512), "rsa-sha1": (s.D + "rsa-sha1", hashes.SHA1),
    "rsa-md5": (MORE + "rsa-md5", hashes.MD5), "rsa-sha224": (MORE + "rsa-sha224", hashes.SHA224),
    "ecdsa-sha256": (MORE + "ecdsa-sha256", hashes.SHA256), "ecdsa-sha384": (MORE + "ecdsa-sha384", hashes.SHA384),
    "ecdsa-sha512": (MORE + "ecdsa-sha512", hashes.SHA512), "ecdsa-sha1": (MORE + "ecdsa-sha1", hashes.SHA1),
    "rsa-pss-sha256": ("http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1", hashes.SHA256),
}
DIGESTS = {"sha256": s.X + "sha256", "sha384": MORE + "sha384", "sha512": s.X + "sha512", "sha1": s.D + "sha1", "md5": MORE + "md5",
           "sha224": MORE + "sha224"}


def make_key(folder, name, kind="rsa"):
    """A key pair and its certificate as NAME.key and NAME.crt; `kind` is rsa or the size of a NIST curve."""
    curves = {"256": ec.SECP256R1, "384": ec.SECP384R1, "521": ec.SECP521R1}
    key = rsa.generate_private_key(65537, 2048) if kind == "rsa" else ec.generate_private_key(curves[kind]())
    common = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name + ".test")])
    built = x509.CertificateBuilder().subject_name(common).issuer_name(common).public_key(key.public_key())
    built = built.serial_number(x509.random_serial_number()).not_valid_before(Stopped.at - dt.timedelta(1))
    certificate = built.not_valid_after(Stopped.at + dt.timedelta(3650)).sign(key, hashes.SHA256())
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    pathlib.Path(folder, name + ".key").write_bytes(pem)
    pathlib.Path(folder, name + ".crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


class Kit(s.Ctx):
    """Settings and keys of one corpus; `file` is a path that nothing may open, `canary` a URL that nothing may fetch."""

    def __init__(self, arguments, folder):
        os.makedirs(folder, exist_ok=True)
        s.make_keys(folder)
        super().__init__(arguments)
        self.folder, self.file, self.pairs = folder, arguments.canary_file, {}

    def key(self, name, kind="rsa"):
        """The key pair of that name, made when first asked for."""
        if name not in self.pairs:
            if not os.path.exists(f"{self.folder}/{name}.key"):
                make_key(self.folder, name, kind)
            self.pairs[name] = s.Key(self.folder, name)
        return self.pairs[name]

    @property
    def p256(self):
        return self.key("p256", "256")

    @property
    def p384(self):
        return self.key("p384", "384")

    @property
    def stranger(self):
        """A key on P-256 that no metadata has."""
        return self.key("stranger", "256")

    @property
    def p521(self):
        return self.key("p521", "521")


def at(seconds=0, form="%Y-%m-%dT%H:%M:%SZ"):
    """An instant so many seconds from that of the corpus; `form` may say more than strftime's seconds."""
    return (Stopped.at + dt.timedelta(seconds=seconds)).strftime(form)


def millis(seconds=0):
    return at(seconds, "%Y-%m-%dT%H:%M:%S.123Z")


def signature_value(key, octets, alg):
    """The octets of a SignatureValue; of ECDSA r and s side by side."""
    digest = SIGNATURES[alg][1]()
    if alg.startswith("ecdsa"):
        r, t = utils.decode_dss_signature(key.key.sign(octets, ec.ECDSA(digest)))
        size = (key.key.curve.key_size + 7) // 8
        return r.to_bytes(size, "big") + t.to_bytes(size, "big")
    if "pss" in alg:
        return key.key.sign(octets, padding.PSS(padding.MGF1(digest), digest.digest_size), digest)
    return key.key.sign(octets, padding.PKCS1v15(), digest)


def transform(algorithm, prefixes=None):
    element = E.Element(s.dq("Transform"), {"Algorithm": algorithm})
    if prefixes is not None:
        inclusive = E.QName(s.EXC, "InclusiveNamespaces")
        E.SubElement(element, inclusive, {"PrefixList": prefixes}, nsmap={"ec": s.EXC})
    return element


def sign(element, key, alg="rsa-sha256", digest="sha256", prefix="ds", prefixes=None, key_info="x509", place=1, folded=0, value=None):
    """Signs an element that is in its document, as SAML wants it; returns the Signature.

    `prefix` None makes the default namespace of it; `prefixes` is an InclusiveNamespaces PrefixList; `folded` breaks base64 after
    so many characters; `value` may change the octets of the SignatureValue.
    """
    listed = prefixes.split() if prefixes else None
    hashed = hashlib.new(digest, s.c14n(element, incl=listed)).digest()
    signature = E.Element(s.dq("Signature"), nsmap={prefix: s.D})
    info = s.sub(signature, s.dq("SignedInfo"))
    s.sub(info, s.dq("CanonicalizationMethod"), Algorithm=s.EXC)
    s.sub(info, s.dq("SignatureMethod"), Algorithm=SIGNATURES[alg][0])
    reference = s.sub(info, s.dq("Reference"), URI="#" + element.get("ID"))
    transforms = s.sub(reference, s.dq("Transforms"))
    transforms.append(transform(s.ENV))
    transforms.append(transform(s.EXC, prefixes))
    s.sub(reference, s.dq("DigestMethod"), Algorithm=DIGESTS[digest])
    s.sub(reference, s.dq("DigestValue"), s.b64(hashed))
    element.insert(place, signature)
    octets = signature_value(key, s.c14n(info), alg)
    s.sub(signature, s.dq("SignatureValue"), fold(s.b64(value(octets) if value else octets), folded))
    if key_info:
        append_key_info(signature, key, key_info, folded)
    return signature


def append_key_info(signature, key, styles, folded):
    """`styles`: any of x509, subject, name, value, bare (a KeyInfo in the default namespace), joined by spaces."""
    bare = "bare" in styles.split()
    info = E.SubElement(signature, s.dq("KeyInfo"), nsmap={None: s.D} if bare else None)
    for style in styles.split():
        if style == "name":
            s.sub(info, s.dq("KeyName"), key.cert.subject.rfc4514_string())
        if style in ("x509", "subject"):
            data = s.sub(info, s.dq("X509Data"))
            if style == "subject":
                s.sub(data, s.dq("X509SubjectName"), key.cert.subject.rfc4514_string())
            s.sub(data, s.dq("X509Certificate"), fold(key.certb64, folded))
        if style == "value":
            numbers = key.key.public_key().public_numbers()
            held = s.sub(s.sub(info, s.dq("KeyValue")), s.dq("RSAKeyValue"))
            s.sub(held, s.dq("Modulus"), s.b64(numbers.n.to_bytes(256, "big")))
            s.sub(held, s.dq("Exponent"), s.b64(numbers.e.to_bytes(3, "big")))


def fold(text, columns):
    if not columns:
        return text
    return "\n".join(text[start:start + columns] for start in range(0, len(text), columns))


def parsed(text):
    return E.fromstring(text.encode())


def unsigned(c, **fields):
    """An unsigned Response and its Assertion."""
    response = s.response(c, **fields)
    return response, s.A(response)


def signed(c, sign_what="assertion", key=None, **fields):
    """A signed Response and its Assertion."""
    response = s.signed(c, sign_what, k=key, **fields)
    return response, s.A(response)


def written(response):
    return s.out(response)


def swapped(octets, old, new, count=-1):
    """Replaces text, and insists that it was there."""
    assert old in octets, f"{old!r} is not there"
    return octets.replace(old, new, count)


CASES = []


def case(name, family, expect, refused_by, why, refs="", **more):
    """Registers what makes a response, or the pair of it and how it goes over the wire.

    `refused_by` is the check that must refuse it; None if it is accepted, or refused by what surrounds the verification.
    """
    def register(function):
        assert all(known["name"] != name for known in CASES), f"{name} is there twice"
        CASES.append(dict(name=name, family=family, expect=expect, refused_by=refused_by, why=why, refs=refs, make=function, **more))
        return function
    return register


def hostile(name, family, refused_by, why, refs="", **more):
    return case(name, family, "reject", refused_by, why, refs, **more)


def good(name, why, refs="", **more):
    return case(name, "valid", "accept", None, why, refs, **more)
