"""providers: responses in the shapes of well-known identity providers: names, prefixes, places of signatures, after their
documentation and what they are seen to send. Keys, tenants and people are made up here."""
import re
import secrets

import sealed

from kit import E, Kit, at, fold, good, millis, parsed, s, sign, written

TENANT = "5b7c2f10-8d1e-4c55-9a4e-0d3f6a1b2c3d"
OBJECT = "9f3f6c1e-2b64-4a5e-8d39-7c1f0e5b4a21"
ISSUERS = {
    "okta": "http://www.okta.com/exk1a2b3c4D5e6F7g8h9", "entra": f"https://sts.windows.net/{TENANT}/",
    "google": "https://accounts.google.com/o/saml2?idpid=C01abc2de", "adfs": "http://fs.corp.test/adfs/services/trust",
    "onelogin": "https://app.onelogin.com/saml/metadata/3d0c9f4e-1111-4222-8333-444455556666",
    "keycloak": "https://sso.corp.test/realms/acme", "simplesamlphp": "https://login.corp.test/saml2/idp/metadata.php",
    "authentik": "https://sso.corp.test/application/saml/curfew/metadata/", "jumpcloud": "JumpCloud-curfew",
    "shibboleth": "https://idp.corp.test/idp/shibboleth",
}
CLAIMS = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/"
FORMAT = "urn:oasis:names:tc:SAML:2.0:attrname-format:"
NAMEID = "urn:oasis:names:tc:SAML:"
CLASSES = "urn:oasis:names:tc:SAML:2.0:ac:classes:"
XS, XSI = "http://www.w3.org/2001/XMLSchema", "http://www.w3.org/2001/XMLSchema-instance"


def key_of(c: Kit, provider):
    return c.key(provider, "384" if provider == "shibboleth" else "rsa")


def shape(provider, name, why, identity=None, **more):
    """Registers a good response by that provider. The function gives text with the placeholders of `fill`, and signs."""
    return good(name, why, provider=provider, identity=identity or {}, **more)


def fill(c, text, provider, **more):
    values = dict(acs=c.acs, sp=c.spid, irt=c.irt, user=c.user, idp=ISSUERS[provider], P=s.P, S=s.S, ok=s.OK, bearer=s.BEARER,
                  now=at(), nowms=millis(), soon=at(300), soonms=millis(300), before=at(-60), hour=at(3600), XS=XS, XSI=XSI)
    return fresh(text).format(**values, **more)


def fresh(text):
    """New IDs of the same kind: each response of the corpus has its own."""
    for known in re.findall(r' ID="([^"]+)"', text):
        digits = "0123456789" if known[2:].isdigit() else "0123456789ABCDEF" if known.isupper() else "0123456789abcdef"
        text = text.replace(known, known[:-12] + "".join(secrets.choice(digits) for _ in range(12)))
    return text


def attribute(prefix, name, values, form="", friendly="", typed="", declare=""):
    """An Attribute in the words of one provider."""
    p = prefix + ":" if prefix else ""
    shown = f' NameFormat="{FORMAT}{form}"' if form else ""
    shown += f' FriendlyName="{friendly}"' if friendly else ""
    kind = f' xsi:type="{typed}"' if typed else ""
    inner = "".join(f"<{p}AttributeValue{declare}{kind}>{value}</{p}AttributeValue>" for value in values)
    return f'<{p}Attribute Name="{name}"{shown}>{inner}</{p}Attribute>'


DECLARED = f' xmlns:xs="{XS}" xmlns:xsi="{XSI}"'

OKTA = """<saml2p:Response xmlns:saml2p="{P}" xmlns:xs="{XS}" Destination="{acs}" ID="id1234567890123456789012345" InResponseTo="{irt}" IssueInstant="{nowms}" Version="2.0"><saml2:Issuer xmlns:saml2="{S}" Format="urn:oasis:names:tc:SAML:2.0:nameid-format:entity">{idp}</saml2:Issuer><saml2p:Status xmlns:saml2p="{P}"><saml2p:StatusCode Value="{ok}"/></saml2p:Status><saml2:Assertion xmlns:saml2="{S}" xmlns:xs="{XS}" ID="id9876543210987654321098765" IssueInstant="{nowms}" Version="2.0"><saml2:Issuer xmlns:saml2="{S}" Format="urn:oasis:names:tc:SAML:2.0:nameid-format:entity">{idp}</saml2:Issuer><saml2:Subject xmlns:saml2="{S}"><saml2:NameID Format="urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress">{user}</saml2:NameID><saml2:SubjectConfirmation Method="{bearer}"><saml2:SubjectConfirmationData InResponseTo="{irt}" NotOnOrAfter="{soonms}" Recipient="{acs}"/></saml2:SubjectConfirmation></saml2:Subject><saml2:Conditions xmlns:saml2="{S}" NotBefore="{before}" NotOnOrAfter="{soonms}"><saml2:AudienceRestriction><saml2:Audience>{sp}</saml2:Audience></saml2:AudienceRestriction></saml2:Conditions><saml2:AuthnStatement xmlns:saml2="{S}" AuthnInstant="{nowms}" SessionIndex="{irt}"><saml2:AuthnContext><saml2:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport</saml2:AuthnContextClassRef></saml2:AuthnContext></saml2:AuthnStatement><saml2:AttributeStatement xmlns:saml2="{S}">{attributes}</saml2:AttributeStatement></saml2:Assertion></saml2p:Response>"""


def okta(c):
    shown = [("firstName", ["Mallory"]), ("lastName", ["Nguyen"]), ("groups", ["Everyone", "Engineering"])]
    form = {"groups": "unspecified"}
    attributes = "".join(attribute("saml2", name, values, form.get(name, "basic"), typed="xs:string", declare=DECLARED) for name, values in shown)
    r = parsed(fill(c, OKTA, "okta", attributes=attributes))
    key = key_of(c, "okta")
    sign(s.A(r), key, prefixes="xs")
    sign(r, key, prefixes="xs", folded=76)
    return r


@shape("okta", "okta-both-signed", "Okta: saml2p/saml2 prefixes, ids that begin with `id`, InclusiveNamespaces xs, both signed",
       {"display_name": "Mallory Nguyen", "groups": ["Everyone", "Engineering"]})
def _(c):
    return E.tostring(okta(c), encoding="UTF-8", xml_declaration=True)


ENTRA = """<samlp:Response ID="_a1b2c3d4-0000-4000-8000-111122223333" Version="2.0" IssueInstant="{nowms}" Destination="{acs}" InResponseTo="{irt}" xmlns:samlp="{P}"><Issuer xmlns="{S}">{idp}</Issuer><samlp:Status><samlp:StatusCode Value="{ok}"/></samlp:Status><Assertion ID="_b2c3d4e5-0000-4000-8000-444455556666" IssueInstant="{nowms}" Version="2.0" xmlns="{S}"><Issuer>{idp}</Issuer><Subject><NameID Format="{format}">{name_id}</NameID><SubjectConfirmation Method="{bearer}"><SubjectConfirmationData InResponseTo="{irt}" NotOnOrAfter="{hour}" Recipient="{acs}"/></SubjectConfirmation></Subject><Conditions NotBefore="{before}" NotOnOrAfter="{hour}"><AudienceRestriction><Audience>{sp}</Audience></AudienceRestriction></Conditions><AttributeStatement>{attributes}</AttributeStatement><AuthnStatement AuthnInstant="{nowms}" SessionIndex="_b2c3d4e5-0000-4000-8000-444455556666"><AuthnContext><AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password</AuthnContextClassRef></AuthnContext></AuthnStatement></Assertion></samlp:Response>"""
MICROSOFT = "http://schemas.microsoft.com/"


def entra(c, name_id, name_format):
    shown = [(MICROSOFT + "identity/claims/tenantid", [TENANT]), (MICROSOFT + "identity/claims/objectidentifier", [OBJECT]),
             (MICROSOFT + "identity/claims/displayname", ["Mallory Nguyen"]),
             (MICROSOFT + "ws/2008/06/identity/claims/groups", [OBJECT[::-1], TENANT[::-1]]),
             (MICROSOFT + "identity/claims/identityprovider", [ISSUERS["entra"]]),
             (MICROSOFT + "claims/authnmethodsreferences", [CLASSES + "Password", MICROSOFT + "claims/multipleauthn"]),
             (CLAIMS + "givenname", ["Mallory"]), (CLAIMS + "surname", ["Nguyen"]), (CLAIMS + "emailaddress", [c.user]), (CLAIMS + "name", [c.user])]
    attributes = "".join(attribute("", name, values) for name, values in shown)
    return parsed(fill(c, ENTRA, "entra", attributes=attributes, name_id=name_id, format=name_format))


ENTRA_IDENTITY = {"display_name": "Mallory Nguyen", "groups": [OBJECT[::-1], TENANT[::-1]]}


@shape("entra", "entra-assertion-signed", "Entra ID: Assertion and Signature in default namespaces, statements in the other order", ENTRA_IDENTITY)
def _(c):
    r = entra(c, c.user, NAMEID + "1.1:nameid-format:emailAddress")
    sign(s.A(r), key_of(c, "entra"), prefix=None)
    return written(r)


@shape("entra", "entra-persistent-both-signed", "Entra ID: a pairwise NameID, the address in a claim, both signed with RSA-SHA512 over SHA-512",
       {**ENTRA_IDENTITY, "name_id": "q3Xk9vB1yT7rN0sLw2eHjA8mCdF5gUzPiKoVbQxY"})
def _(c):
    r = entra(c, "q3Xk9vB1yT7rN0sLw2eHjA8mCdF5gUzPiKoVbQxY", NAMEID + "2.0:nameid-format:persistent")
    for element in (s.A(r), r):
        sign(element, key_of(c, "entra"), "rsa-sha512", "sha512", prefix=None)
    return written(r)


GOOGLE = """<saml2p:Response xmlns:saml2p="{P}" Destination="{acs}" ID="_0f1e2d3c4b5a69788796a5b4c3d2e1f0" InResponseTo="{irt}" IssueInstant="{nowms}" Version="2.0"><saml2:Issuer xmlns:saml2="{S}">{idp}</saml2:Issuer><saml2p:Status><saml2p:StatusCode Value="{ok}"/></saml2p:Status><saml2:Assertion xmlns:saml2="{S}" ID="_f0e1d2c3b4a5968778695a4b3c2d1e0f" IssueInstant="{nowms}" Version="2.0"><saml2:Issuer>{idp}</saml2:Issuer><saml2:Subject><saml2:NameID Format="urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress">{user}</saml2:NameID><saml2:SubjectConfirmation Method="{bearer}"><saml2:SubjectConfirmationData InResponseTo="{irt}" NotOnOrAfter="{soonms}" Recipient="{acs}"/></saml2:SubjectConfirmation></saml2:Subject><saml2:Conditions NotBefore="{before}" NotOnOrAfter="{soonms}"><saml2:AudienceRestriction><saml2:Audience>{sp}</saml2:Audience></saml2:AudienceRestriction></saml2:Conditions><saml2:AttributeStatement>{attributes}</saml2:AttributeStatement><saml2:AuthnStatement AuthnInstant="{before}" SessionIndex="_f0e1d2c3b4a5968778695a4b3c2d1e0f"><saml2:AuthnContext><saml2:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified</saml2:AuthnContextClassRef></saml2:AuthnContext></saml2:AuthnStatement></saml2:Assertion></saml2p:Response>"""


def google(c):
    shown = [("firstName", ["Mallory"]), ("lastName", ["Nguyen"]), ("groups", ["engineering"])]
    attributes = "".join(attribute("saml2", name, values, typed="xs:anyType", declare=DECLARED) for name, values in shown)
    return parsed(fill(c, GOOGLE, "google", attributes=attributes))


GOOGLE_IDENTITY = {"display_name": "Mallory Nguyen", "groups": ["engineering"]}
for _what in ("response", "assertion"):
    @shape("google", f"google-{_what}-signed", f"Google Workspace: signature of the {_what}, base64 folded, X509SubjectName, xs:anyType", GOOGLE_IDENTITY)
    def _(c, what=_what):
        r = google(c)
        sign(r if what == "response" else s.A(r), key_of(c, "google"), key_info="subject", folded=76)
        return E.tostring(r, encoding="UTF-8", xml_declaration=True, standalone=False)

ADFS = """<samlp:Response ID="_c3d4e5f6-0000-4000-8000-777788889999" Version="2.0" IssueInstant="{nowms}" Destination="{acs}" Consent="urn:oasis:names:tc:SAML:2.0:consent:unspecified" InResponseTo="{irt}" xmlns:samlp="{P}"><Issuer xmlns="{S}">{idp}</Issuer><samlp:Status><samlp:StatusCode Value="{ok}"/></samlp:Status><Assertion ID="_d4e5f6a7-0000-4000-8000-aaaabbbbcccc" IssueInstant="{nowms}" Version="2.0" xmlns="{S}"><Issuer>{idp}</Issuer><Subject><NameID>{user}</NameID><SubjectConfirmation Method="{bearer}"><SubjectConfirmationData InResponseTo="{irt}" NotOnOrAfter="{soonms}" Recipient="{acs}"/></SubjectConfirmation></Subject><Conditions NotBefore="{nowms}" NotOnOrAfter="{hour}"><AudienceRestriction><Audience>{sp}</Audience></AudienceRestriction></Conditions><AttributeStatement>{attributes}</AttributeStatement><AuthnStatement AuthnInstant="{before}" SessionIndex="_d4e5f6a7-0000-4000-8000-aaaabbbbcccc"><AuthnContext><AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport</AuthnContextClassRef></AuthnContext></AuthnStatement></Assertion></samlp:Response>"""


def adfs(c):
    shown = [(CLAIMS + "emailaddress", [c.user]), (CLAIMS + "givenname", ["Mallory"]), (CLAIMS + "surname", ["Nguyen"]),
             ("http://schemas.xmlsoap.org/claims/Group", ["Domain Users", "Night shift"])]
    r = parsed(fill(c, ADFS, "adfs", attributes="".join(attribute("", name, values) for name, values in shown)))
    sign(s.A(r), key_of(c, "adfs"), key_info="bare x509")
    return r


ADFS_IDENTITY = {"display_name": "Mallory Nguyen", "groups": ["Domain Users", "Night shift"]}


@shape("adfs", "adfs-assertion-signed", "AD FS: Consent, NameID without Format, ds:Signature whose KeyInfo is in the default namespace", ADFS_IDENTITY)
def _(c):
    return written(adfs(c))


SEALED = """<EncryptedAssertion xmlns="{S}"><xenc:EncryptedData Type="{X}Element" xmlns:xenc="{X}"><xenc:EncryptionMethod Algorithm="{X}aes256-cbc"/><KeyInfo xmlns="{D}"><e:EncryptedKey xmlns:e="{X}"><e:EncryptionMethod Algorithm="{X}rsa-oaep-mgf1p"><DigestMethod Algorithm="{D}sha1"/></e:EncryptionMethod><KeyInfo><ds:X509Data xmlns:ds="{D}"><ds:X509IssuerSerial><ds:X509IssuerName>CN=sp.test</ds:X509IssuerName><ds:X509SerialNumber>{serial}</ds:X509SerialNumber></ds:X509IssuerSerial></ds:X509Data></KeyInfo><e:CipherData><e:CipherValue>{key}</e:CipherValue></e:CipherData></e:EncryptedKey></KeyInfo><xenc:CipherData><xenc:CipherValue>{octets}</xenc:CipherValue></xenc:CipherData></xenc:EncryptedData></EncryptedAssertion>"""


def sealed_by_microsoft(c, r):
    """Puts the assertion into what AD FS and Entra ID make: AES-256-CBC, RSA-OAEP, the certificate named by issuer and serial."""
    a = s.A(r)
    key, octets, _uri = sealed.content(s.c14n(a), "aes256-cbc")
    wrapped = s.b64(sealed.wrapped(key, "oaep-sha1", c.sp.certb64))
    text = SEALED.format(S=s.S, X=s.X, D=s.D, serial=c.sp.cert.serial_number, key=wrapped, octets=s.b64(octets))
    r.replace(a, parsed(text))
    return r


@shape("adfs", "adfs-encrypted-aes256-cbc", "AD FS: assertion signed, then encrypted with AES-256-CBC; the response is not signed", ADFS_IDENTITY)
def _(c):
    return written(sealed_by_microsoft(c, adfs(c)))


@shape("entra", "entra-encrypted-response-signed", "Entra ID: assertion signed and encrypted, then the response signed", ENTRA_IDENTITY)
def _(c):
    r = entra(c, c.user, NAMEID + "1.1:nameid-format:emailAddress")
    sign(s.A(r), key_of(c, "entra"), prefix=None)
    sealed_by_microsoft(c, r)
    sign(r, key_of(c, "entra"), prefix=None)
    return written(r)


ONELOGIN = """<samlp:Response xmlns:saml="{S}" xmlns:samlp="{P}" ID="R4f1d3f2a7b6c5d4e3f2a1b0c9d8e7f6a5b4c3d2e" Version="2.0" IssueInstant="{now}" Destination="{acs}" InResponseTo="{irt}"><saml:Issuer>{idp}</saml:Issuer><samlp:Status><samlp:StatusCode Value="{ok}"/></samlp:Status><saml:Assertion xmlns:saml="{S}" xmlns:xs="{XS}" xmlns:xsi="{XSI}" Version="2.0" ID="A0a1b2c3d4e5f60718293a4b5c6d7e8f901122334" IssueInstant="{now}"><saml:Issuer>{idp}</saml:Issuer><saml:Subject><saml:NameID Format="urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress">{user}</saml:NameID><saml:SubjectConfirmation Method="{bearer}"><saml:SubjectConfirmationData NotOnOrAfter="{soon}" Recipient="{acs}" InResponseTo="{irt}"/></saml:SubjectConfirmation></saml:Subject><saml:Conditions NotBefore="{before}" NotOnOrAfter="{soon}"><saml:AudienceRestriction><saml:Audience>{sp}</saml:Audience></saml:AudienceRestriction></saml:Conditions><saml:AuthnStatement AuthnInstant="{before}" SessionNotOnOrAfter="{day}" SessionIndex="_6b0d8d5e-7777-4888-9999-aaaabbbbcccc"><saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement><saml:AttributeStatement>{attributes}</saml:AttributeStatement></saml:Assertion></samlp:Response>
"""


@shape("onelogin", "onelogin-assertion-signed", "OneLogin: ids R… and A…, SessionNotOnOrAfter in a day, a line end behind the root",
       {"display_name": "Mallory Nguyen", "groups": ["engineering;night shift"], "session_not_on_or_after": 86_400})
def _(c):
    shown = [("User.email", [c.user]), ("memberOf", ["engineering;night shift"]), ("sn", ["Nguyen"]), ("firstName", ["Mallory"]), ("PersonImmutableID", [""])]
    attributes = "".join(attribute("saml", name, values, "basic", typed="xs:string") for name, values in shown)
    r = parsed(fill(c, ONELOGIN, "onelogin", attributes=attributes, day=at(86_400)).strip())
    sign(s.A(r), key_of(c, "onelogin"), prefixes="xs")
    return written(r) + b"\n"


KEYCLOAK = """<samlp:Response xmlns:samlp="{P}" xmlns:saml="{S}" Destination="{acs}" ID="ID_0c1d2e3f-1234-4567-89ab-0123456789ab" InResponseTo="{irt}" IssueInstant="{nowms}" Version="2.0"><saml:Issuer>{idp}</saml:Issuer><samlp:Status><samlp:StatusCode Value="{ok}"/></samlp:Status><saml:Assertion xmlns="{S}" xmlns:saml="{S}" ID="ID_1d2e3f40-1234-4567-89ab-0123456789ab" IssueInstant="{nowms}" Version="2.0"><saml:Issuer>{idp}</saml:Issuer><saml:Subject><saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">G-0b6f8c7e-9a41-4e0e-a6a7-6f0d7a3f5c11</saml:NameID><saml:SubjectConfirmation Method="{bearer}"><saml:SubjectConfirmationData InResponseTo="{irt}" NotOnOrAfter="{soonms}" Recipient="{acs}"/></saml:SubjectConfirmation></saml:Subject><saml:Conditions NotBefore="{before}" NotOnOrAfter="{soonms}"><saml:AudienceRestriction><saml:Audience>{sp}</saml:Audience></saml:AudienceRestriction></saml:Conditions><saml:AuthnStatement AuthnInstant="{nowms}" SessionIndex="b5d3f0a1-1234-4567-89ab-0123456789ab::c6e4a1b2-1234-4567-89ab-0123456789ab" SessionNotOnOrAfter="{late}"><saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement><saml:AttributeStatement>{attributes}</saml:AttributeStatement></saml:Assertion></samlp:Response>"""


def keycloak(c):
    shown = [("urn:oid:1.2.840.113549.1.9.1", "email", [c.user], "uri"), ("urn:oid:2.5.4.42", "givenName", ["Mallory"], "uri"),
             ("urn:oid:2.5.4.4", "surname", ["Nguyen"], "uri"), ("Role", "", ["offline_access", "manage-account"], "basic"), ("groups", "", ["/engineering"], "basic")]
    attributes = "".join(attribute("saml", name, values, form, friendly, "xs:string", DECLARED) for name, friendly, values, form in shown)
    return parsed(fill(c, KEYCLOAK, "keycloak", attributes=attributes, late=at(36_000)))


KEYCLOAK_IDENTITY = {"name_id": "G-0b6f8c7e-9a41-4e0e-a6a7-6f0d7a3f5c11", "display_name": "Mallory Nguyen", "groups": ["/engineering"], "session_not_on_or_after": 36_000}


@shape("keycloak", "keycloak-response-signed", "Keycloak: dsig prefix, KeyName and KeyValue, FriendlyName, SessionNotOnOrAfter in ten hours", KEYCLOAK_IDENTITY)
def _(c):
    r = keycloak(c)
    sign(r, key_of(c, "keycloak"), prefix="dsig", key_info="name x509 value")
    return written(r)


@shape("keycloak", "keycloak-encrypted-both-signed", "Keycloak: both signed, the assertion encrypted with AES-256-GCM under RSA-OAEP with SHA-256", KEYCLOAK_IDENTITY)
def _(c):
    r = keycloak(c)
    key = key_of(c, "keycloak")
    sign(s.A(r), key, prefix="dsig")
    r.replace(s.A(r), sealed.encrypted(s.c14n(s.A(r)), "aes256-gcm", "oaep-sha256", c.sp.certb64))
    sign(r, key, prefix="dsig", key_info="name x509")
    return written(r)


PHP = """<samlp:Response xmlns:samlp="{P}" xmlns:saml="{S}" ID="_2b7a6d5c4e3f2019a8b7c6d5e4f3021a1b2c3d4e5f" Version="2.0" IssueInstant="{now}" Destination="{acs}" InResponseTo="{irt}"><saml:Issuer>{idp}</saml:Issuer><samlp:Status><samlp:StatusCode Value="{ok}"/></samlp:Status><saml:Assertion xmlns:xsi="{XSI}" xmlns:xs="{XS}" ID="_3c8b7e6d5f403120b9c8d7e6f5041323142536475869" Version="2.0" IssueInstant="{now}"><saml:Issuer>{idp}</saml:Issuer><saml:Subject><saml:NameID SPNameQualifier="{sp}" Format="urn:oasis:names:tc:SAML:2.0:nameid-format:transient">_9d1c0b3a5e7f4e6d8c2b1a0f9e8d7c6b5a4f3e2d1c</saml:NameID><saml:SubjectConfirmation Method="{bearer}"><saml:SubjectConfirmationData NotOnOrAfter="{soon}" Recipient="{acs}" InResponseTo="{irt}"/></saml:SubjectConfirmation></saml:Subject><saml:Conditions NotBefore="{before}" NotOnOrAfter="{soon}"><saml:AudienceRestriction><saml:Audience>{sp}</saml:Audience></saml:AudienceRestriction></saml:Conditions><saml:AuthnStatement AuthnInstant="{now}" SessionNotOnOrAfter="{late}" SessionIndex="_4d9c8f7e6051423ac0d9e8f70615243342536475a6b7"><saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement><saml:AttributeStatement>{attributes}</saml:AttributeStatement></saml:Assertion></samlp:Response>"""
OIDS = [("urn:oid:0.9.2342.19200300.100.1.3", "mail"), ("urn:oid:2.16.840.1.113730.3.1.241", "displayName"), ("urn:oid:1.3.6.1.4.1.5923.1.5.1.1", "isMemberOf")]


@shape("simplesamlphp", "simplesamlphp-both-signed", "SimpleSAMLphp: a transient NameID, attributes by OID, both signed, RSA-SHA384 over SHA-384",
       {"name_id": "_9d1c0b3a5e7f4e6d8c2b1a0f9e8d7c6b5a4f3e2d1c", "display_name": "Mallory Nguyen", "groups": ["staff", "night shift"], "session_not_on_or_after": 28_800})
def _(c):
    values = [[c.user], ["Mallory Nguyen"], ["staff", "night shift"]]
    attributes = "".join(attribute("saml", oid, shown, "uri", typed="xs:string") for (oid, _name), shown in zip(OIDS, values))
    r = parsed(fill(c, PHP, "simplesamlphp", attributes=attributes, late=at(28_800)))
    key = key_of(c, "simplesamlphp")
    sign(s.A(r), key, "rsa-sha384", "sha384")
    sign(r, key, "rsa-sha384", "sha384")
    return E.tostring(r, encoding="utf-8", xml_declaration=True)


AUTHENTIK = """<samlp:Response xmlns:samlp="{P}" xmlns:saml="{S}" Destination="{acs}" ID="_5eab9d8c7f60514d" InResponseTo="{irt}" IssueInstant="{now}" Version="2.0"><saml:Issuer Format="urn:oasis:names:tc:SAML:2.0:nameid-format:entity">{idp}</saml:Issuer><samlp:Status><samlp:StatusCode Value="{ok}"/></samlp:Status><saml:Assertion ID="_6fbcae9d8071625e" IssueInstant="{now}" Version="2.0"><saml:Issuer Format="urn:oasis:names:tc:SAML:2.0:nameid-format:entity">{idp}</saml:Issuer><saml:Subject><saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">7d0f1b5a9c3e4f6882a1b0c9d8e7f60514233241506f7e8d9cab0b1a2d3c4f5e</saml:NameID><saml:SubjectConfirmation Method="{bearer}"><saml:SubjectConfirmationData InResponseTo="{irt}" NotOnOrAfter="{soon}" Recipient="{acs}"/></saml:SubjectConfirmation></saml:Subject><saml:Conditions NotBefore="{before}" NotOnOrAfter="{soon}"><saml:AudienceRestriction><saml:Audience>{sp}</saml:Audience></saml:AudienceRestriction></saml:Conditions><saml:AuthnStatement AuthnInstant="{before}" SessionIndex="9a8b7c6d5e4f30211203f4e5d6c7b8a9" SessionNotOnOrAfter="{day}"><saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement><saml:AttributeStatement>{attributes}</saml:AttributeStatement></saml:Assertion></samlp:Response>"""


@shape("authentik", "authentik-assertion-signed", "authentik: a hashed NameID, claims as names, SessionNotOnOrAfter always there",
       {"name_id": "7d0f1b5a9c3e4f6882a1b0c9d8e7f60514233241506f7e8d9cab0b1a2d3c4f5e", "display_name": "Mallory Nguyen", "groups": ["authentik Admins"], "session_not_on_or_after": 86_400})
def _(c):
    shown = [("http://schemas.goauthentik.io/2021/02/saml/username", ["mallory"]), ("http://schemas.goauthentik.io/2021/02/saml/uid", ["42"]),
             (CLAIMS + "emailaddress", [c.user]), (CLAIMS + "name", ["Mallory Nguyen"]), ("http://schemas.xmlsoap.org/claims/Group", ["authentik Admins"])]
    attributes = "".join(attribute("saml", name, values, "uri") for name, values in shown)
    r = parsed(fill(c, AUTHENTIK, "authentik", attributes=attributes, day=at(86_400)))
    sign(s.A(r), key_of(c, "authentik"))
    return written(r)


JUMPCLOUD = """<saml2p:Response xmlns:saml2p="{P}" Destination="{acs}" ID="A3JF5L2K8P1Q7R9S4T6V0W2X" InResponseTo="{irt}" IssueInstant="{nowms}" Version="2.0"><saml2:Issuer xmlns:saml2="{S}">{idp}</saml2:Issuer><saml2p:Status><saml2p:StatusCode Value="{ok}"/></saml2p:Status><saml2:Assertion xmlns:saml2="{S}" xmlns:xs="{XS}" ID="B4KG6M3L9Q2R8S0T5U7W1X3Y" IssueInstant="{nowms}" Version="2.0"><saml2:Issuer>{idp}</saml2:Issuer><saml2:Subject><saml2:NameID Format="urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified">{user}</saml2:NameID><saml2:SubjectConfirmation Method="{bearer}"><saml2:SubjectConfirmationData InResponseTo="{irt}" NotOnOrAfter="{soonms}" Recipient="{acs}"/></saml2:SubjectConfirmation></saml2:Subject><saml2:Conditions NotBefore="{before}" NotOnOrAfter="{soonms}"><saml2:AudienceRestriction><saml2:Audience>{sp}</saml2:Audience></saml2:AudienceRestriction></saml2:Conditions><saml2:AuthnStatement AuthnInstant="{nowms}" SessionIndex="c5d6e7f8-1234-4567-89ab-cdef01234567"><saml2:AuthnContext><saml2:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified</saml2:AuthnContextClassRef></saml2:AuthnContext></saml2:AuthnStatement><saml2:AttributeStatement>{attributes}</saml2:AttributeStatement></saml2:Assertion></saml2p:Response>"""


@shape("jumpcloud", "jumpcloud-assertion-signed", "JumpCloud: an issuer that is no URI, NameID unspecified, memberOf",
       {"display_name": "Mallory Nguyen", "groups": ["engineering", "Night shift"]})
def _(c):
    shown = [("firstname", ["Mallory"]), ("lastname", ["Nguyen"]), ("email", [c.user]), ("memberOf", ["engineering", "Night shift"])]
    attributes = "".join(attribute("saml2", name, values, "unspecified" if name == "memberOf" else "basic", typed="xs:string", declare=f' xmlns:xsi="{XSI}"') for name, values in shown)
    r = parsed(fill(c, JUMPCLOUD, "jumpcloud", attributes=attributes))
    sign(s.A(r), key_of(c, "jumpcloud"), prefixes="xs")
    return E.tostring(r, encoding="UTF-8", xml_declaration=True)


SHIBBOLETH = """<saml2p:Response xmlns:saml2p="{P}" Destination="{acs}" ID="_7acdbfae91827364" InResponseTo="{irt}" IssueInstant="{nowms}" Version="2.0"><saml2:Issuer xmlns:saml2="{S}">{idp}</saml2:Issuer><saml2p:Status><saml2p:StatusCode Value="{ok}"/></saml2p:Status><saml2:Assertion xmlns:saml2="{S}" xmlns:xsd="{XS}" ID="_8bdecabfa2938475" IssueInstant="{nowms}" Version="2.0"><saml2:Issuer>{idp}</saml2:Issuer><saml2:Subject><saml2:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent" NameQualifier="{idp}" SPNameQualifier="{sp}">XK4ZB2MQW7RJ5N3T6VYH1LCPDS8GFAUE</saml2:NameID><saml2:SubjectConfirmation Method="{bearer}"><saml2:SubjectConfirmationData Address="192.0.2.7" InResponseTo="{irt}" NotOnOrAfter="{soonms}" Recipient="{acs}"/></saml2:SubjectConfirmation></saml2:Subject><saml2:Conditions NotBefore="{nowms}" NotOnOrAfter="{soonms}"><saml2:AudienceRestriction><saml2:Audience>{sp}</saml2:Audience></saml2:AudienceRestriction></saml2:Conditions><saml2:AuthnStatement AuthnInstant="{nowms}" SessionIndex="_9cefdbc0b3a49586"><saml2:SubjectLocality Address="192.0.2.7"/><saml2:AuthnContext><saml2:AuthnContextClassRef>https://refeds.org/profile/mfa</saml2:AuthnContextClassRef></saml2:AuthnContext></saml2:AuthnStatement><saml2:AttributeStatement>{attributes}</saml2:AttributeStatement></saml2:Assertion></saml2p:Response>"""


@shape("shibboleth", "shibboleth-encrypted-ecdsa-p384", "Shibboleth: the response signed with ECDSA on P-384, the unsigned assertion inside encrypted with AES-128-GCM",
       {"name_id": "XK4ZB2MQW7RJ5N3T6VYH1LCPDS8GFAUE", "display_name": "Mallory Nguyen", "groups": ["staff"]})
def _(c):
    shown = [(*oid, values) for oid, values in zip(OIDS, [[c.user], ["Mallory Nguyen"], ["staff"]])]
    attributes = "".join(attribute("saml2", oid, values, "uri", name, "xsd:string", f' xmlns:xsi="{XSI}"') for oid, name, values in shown)
    r = parsed(fill(c, SHIBBOLETH, "shibboleth", attributes=attributes))
    r.replace(s.A(r), sealed.encrypted(s.c14n(s.A(r)), "aes128-gcm", "oaep-sha1", c.sp.certb64))
    sign(r, key_of(c, "shibboleth"), "ecdsa-sha384", "sha384", folded=64)
    return E.tostring(r, encoding="UTF-8", xml_declaration=True)


def metadata(c, provider):
    """Metadata of a provider with the extras that some of them put into it."""
    certificate = fold(key_of(c, provider).certb64, 64 if provider in ("google", "shibboleth") else 0)
    key = f'<ds:KeyInfo xmlns:ds="{s.D}"><ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>'
    sso = "https://idp.corp.test/sso"
    role = (f'<{{p}}IDPSSODescriptor WantAuthnRequestsSigned="false" protocolSupportEnumeration="{s.P}"><{{p}}KeyDescriptor use="signing">{key}</{{p}}KeyDescriptor>'
            f'<{{p}}NameIDFormat>{NAMEID}1.1:nameid-format:emailAddress</{{p}}NameIDFormat><{{p}}SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="{sso}"/>'
            f'<{{p}}SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="{sso}"/></{{p}}IDPSSODescriptor>')
    if provider in ("entra", "adfs"):
        federation = ('<RoleDescriptor xmlns:xsi="' + XSI + '" xsi:type="fed:SecurityTokenServiceType" protocolSupportEnumeration="http://docs.oasis-open.org/wsfed/federation/200706"'
                      ' xmlns:fed="http://docs.oasis-open.org/wsfed/federation/200706"><KeyDescriptor use="signing">' + key + "</KeyDescriptor></RoleDescriptor>")
        return f'<EntityDescriptor ID="_e0" entityID="{ISSUERS[provider]}" xmlns="urn:oasis:names:tc:SAML:2.0:metadata">{federation}{role.format(p="")}</EntityDescriptor>'
    issuer = ISSUERS[provider]
    return f'<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{issuer}">{role.format(p="md:")}</md:EntityDescriptor>'

