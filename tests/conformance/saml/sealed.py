"""sealed: encrypts the assertion of a response to a service provider's certificate, well or badly. Used by sign.py."""
import base64, secrets

from cryptography import x509
from cryptography.hazmat.primitives import hashes, padding as blocks
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from lxml import etree as E

import samlattack as s

CIPHERS = ["aes128-gcm", "aes192-gcm", "aes256-gcm", "aes128-cbc", "aes192-cbc", "aes256-cbc"]
TRANSPORTS = ["oaep-sha1", "oaep-sha256", "rsa15"]
# What goes wrong. The first four are made before anything is encrypted, or in it; the others in the finished element.
FLAWS = ["doctype", "undecodable", "tag", "key", "two", "beside", "cipher-reference", "retrieval-method", "huge", "nested", "encrypted-id"]

def content(octets, cipher):
    key = secrets.token_bytes(int(cipher[3:6]) // 8)
    if cipher.endswith("gcm"):
        nonce = secrets.token_bytes(12)
        return key, nonce + AESGCM(key).encrypt(nonce, octets, None), s.X11 + cipher
    iv = secrets.token_bytes(16); padder = blocks.PKCS7(128).padder(); e = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
    return key, iv + e.update(padder.update(octets) + padder.finalize()) + e.finalize(), s.X + cipher

def wrapped(key, transport, certificate):
    public = x509.load_der_x509_certificate(base64.b64decode(certificate)).public_key()
    how = {"oaep-sha1": lambda: padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None),
           "oaep-sha256": lambda: padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None), "rsa15": padding.PKCS1v15}
    return public.encrypt(key, how[transport]())

def encrypted(octets, cipher, transport, certificate, flaw=None):
    key, sealed, uri = content(octets, cipher); ek = wrapped(key, transport, certificate)
    if flaw == "tag": sealed = sealed[:-1] + bytes([sealed[-1] ^ 1])
    if flaw == "key": ek = bytes(len(ek))
    ea = E.Element(s.sq("EncryptedAssertion"), nsmap={"saml": s.S}); ed = E.SubElement(ea, s.xq("EncryptedData"), {"Type": s.X + "Element"}, nsmap={"xenc": s.X, "ds": s.D})
    s.sub(ed, s.xq("EncryptionMethod"), Algorithm=uri); ki = s.sub(ed, s.dq("KeyInfo"))
    if flaw == "retrieval-method": s.sub(ki, s.dq("RetrievalMethod"), URI="http://127.0.0.1:9/", Type=s.X + "EncryptedKey")
    k = s.sub(ki, s.xq("EncryptedKey"))
    em = s.sub(k, s.xq("EncryptionMethod"), Algorithm={"oaep-sha1": s.X + "rsa-oaep-mgf1p", "oaep-sha256": s.X11 + "rsa-oaep", "rsa15": s.X + "rsa-1_5"}[transport])
    if transport == "oaep-sha1": s.sub(em, s.dq("DigestMethod"), Algorithm=s.D + "sha1")
    if transport == "oaep-sha256":
        s.sub(em, s.dq("DigestMethod"), Algorithm=s.X + "sha256"); s.sub(em, E.QName(s.X11, "MGF"), Algorithm=s.X11 + "mgf1sha256")
    s.sub(s.sub(k, s.xq("CipherData")), s.xq("CipherValue"), s.b64(ek)); cd = s.sub(ed, s.xq("CipherData"))
    if flaw == "cipher-reference": s.sub(cd, s.xq("CipherReference"), URI="http://127.0.0.1:9/")
    else: s.sub(cd, s.xq("CipherValue"), s.b64(sealed))
    return ea

def response(c, key, sign, cipher, transport, certificate, flaw=None, **fields):
    """A response whose assertion is signed, then encrypted; then the response is signed: `sign` says which of the two."""
    r = s.response(c, **fields); a = s.A(r); at = r.index(a)
    if flaw == "encrypted-id":
        subject = a.find("s:Subject", s.NS); subject.replace(subject.find("s:NameID", s.NS), E.Element(s.sq("EncryptedID")))
    if sign in ("assertion", "both"): s.sign(a, key)
    octets = s.c14n(a); r.remove(a)
    if flaw == "doctype": octets = b'<!DOCTYPE x [<!ENTITY e "e">]>' + octets
    if flaw == "undecodable": octets = b"\xff\xfe\xfd" * 20
    if flaw == "huge": octets += b" " * 300_000
    if flaw == "nested": octets = s.c14n(encrypted(octets, cipher, transport, certificate))
    r.insert(at, encrypted(octets, cipher, transport, certificate, flaw))
    if flaw == "two": r.insert(at, encrypted(octets, cipher, transport, certificate))
    if flaw == "beside": r.append(a)
    if sign in ("response", "both"): s.sign(r, key)
    return r
