"""text: octets that two readers turn into two texts: encodings, references, comments, document types, broken documents, base64."""
import base64
import gzip
import json
import zlib

from kit import case, hostile, s, signed, swapped, written

SPLIT = "VU#475445, CVE-2017-11427 and after"


def plain(c, **fields):
    return written(signed(c, **fields)[0])


def edited(name, family, refused_by, why, edit, refs="", **more):
    """A genuinely signed response whose octets are changed afterwards; `edit` gets the kit and the octets."""
    hostile(name, family, refused_by, why, refs, **more)(lambda c: edit(c, plain(c)))


# ---------- characters
def in_name(name, refused_by, why, put, refs=""):
    """Puts octets into the NameID of a genuinely signed response, and into the address of the attribute."""
    edited(name, "characters", refused_by, why, lambda c, x: swapped(x, c.user.encode(), put + c.user.encode()), refs)


in_name("char-nul", "gate.character", "a NUL octet in the NameID", b"\x00")
in_name("char-control", "gate.character", "a control character in the NameID", b"\x08")
in_name("char-noncharacter", "gate.character", "U+FFFE in the NameID", "\ufffe".encode())
in_name("char-overlong-two", "gate.encoding", "a NUL in two octets of UTF-8", b"\xc0\x80")
in_name("char-overlong-slash", "gate.encoding", "an overlong slash", b"\xe0\x80\xaf")
in_name("char-surrogate", "gate.encoding", "half a surrogate pair in UTF-8", b"\xed\xa0\x80")
in_name("char-five-octets", "gate.encoding", "a character of five octets", b"\xf8\x88\x80\x80\x80")
in_name("char-lone-octet", "gate.encoding", "an octet that UTF-8 doesn't have", b"\xff")
in_name("char-cut", "gate.encoding", "the first octet of a character without the second", b"\xc3")
in_name("ref-nul", "gate.reference", "&#0; in the NameID", b"&#0;")
in_name("ref-control", "gate.character", "&#8; in the NameID", b"&#8;")
in_name("ref-surrogate", "gate.reference", "&#xD800; in the NameID", b"&#xD800;")
in_name("ref-too-large", "gate.reference", "&#x110000; in the NameID", b"&#x110000;")
in_name("ref-overflow", "gate.reference", "a reference to a number of 40 digits", b"&#" + b"9" * 40 + b";")
in_name("ref-empty", "gate.reference", "&#; in the NameID", b"&#;")
in_name("ref-sign", "gate.reference", "&#+65; in the NameID", b"&#+65;")
in_name("ref-undeclared", "gate.reference", "an entity that nothing declares", b"&admin;")
in_name("ref-html", "gate.reference", "&nbsp;, which only HTML declares", b"&nbsp;")
in_name("ref-open", "gate.not-well-formed", "a reference without end", b"&amp ")
in_name("text-comment-before", "gate.comment", "a comment before the NameID's text", b"<!---->", SPLIT)
in_name("text-comment-dashes", "gate.not-well-formed", "a comment with two dashes in it", b"<!-- -- -->", SPLIT)
in_name("text-pi-before", "gate.processing-instruction", "a processing instruction before the NameID's text", b"<?a b?>", "OneUptime #2988")
in_name("text-cdata-before", "gate.cdata", "a CDATA section before the NameID's text", b"<![CDATA[admin]]>", SPLIT)
in_name("text-cdata-end", "gate.not-well-formed", "]]> in the NameID's text", b"]]>")


def named(name, refused_by, why, text, refs=""):
    """The provider itself signs a strange NameID."""
    hostile(name, "name-id", refused_by, why, refs)(lambda c: plain(c, nameid=text(c)))


named("name-line-end", "check.name-id", "the NameID ends in a line feed", lambda c: c.victim + "\n")
named("name-space", "check.name-id", "the NameID begins with a space", lambda c: " " + c.victim)
named("name-no-break-space", "check.name-id", "the NameID ends in a no-break space", lambda c: c.victim + "\u00a0")
named("name-next-line", "check.name-id", "U+0085 in the NameID", lambda c: "admin\u0085@corp.test")
named("name-tab", "check.name-id", "a tab in the NameID", lambda c: "admin\t@corp.test")
named("name-blank", "check.name-id", "a NameID of spaces", lambda c: "   ")
named("name-long", "check.name-id", "a NameID of 1,025 characters", lambda c: "a" * 1025)
named("name-zero-width", "user.no-email", "a zero-width space in the address", lambda c: "ad\u200bmin@corp.test")
named("name-soft-hyphen", "user.no-email", "a soft hyphen in the address", lambda c: "ad\u00admin@corp.test")
named("name-byte-order-mark", "user.no-email", "a byte order mark in the address", lambda c: "\ufeffadmin@corp.test")
named("name-cyrillic", "user.no-email", "a Cyrillic letter that looks like a Latin one", lambda c: "\u0430dmin@corp.test")
named("name-full-width", "user.no-email", "full-width letters, which fold to ASCII", lambda c: "\uff41dmin@corp.test")
named("name-full-width-at", "user.no-email", "a full-width @", lambda c: "admin\uff20corp.test")
named("name-dotless", "user.no-email", "a dotless i, which becomes I in capitals", lambda c: "adm\u0131n@corp.test")
named("name-kelvin", "user.no-email", "the sign of Kelvin, which becomes k in small letters", lambda c: "\u212aay@corp.test")
named("name-combining", "user.no-email", "a letter with a combining accent", lambda c: "admi\u0301n@corp.test")
named("name-right-to-left", "user.no-email", "an override that turns the text around", lambda c: "\u202eadmin@corp.test")
named("name-two-addresses", "user.no-email", "two addresses with a comma", lambda c: f"{c.user},{c.victim}")
named("name-angle-brackets", "user.no-email", "an address with a name before it", lambda c: f"Admin <{c.victim}>")
named("name-quoted-local", "user.no-email", "an address as the quoted part of another", lambda c: f"\"{c.victim}\"@evil.example")
named("name-two-ats", "user.no-email", "an address with two @", lambda c: c.victim + "@evil.example")
named("name-dot-behind", "user.no-email", "a dot behind the domain", lambda c: c.victim + ".")
named("name-domain-longer", "user.domain", "our domain is the beginning of the address's", lambda c: c.victim + ".evil.example", "CVE-2017-11427 family")
named("name-domain-before", "user.domain", "our domain is the end of the address's", lambda c: "admin@evilcorp.test")
named("name-subdomain", "user.domain", "a domain below ours, which nobody verified", lambda c: "admin@sub.corp.test")
named("name-routed", "user.domain", "an old way of writing a route to our domain", lambda c: "admin%corp.test@evil.example")


# ---------- document types
def with_type(name, why, declaration, reference=None, refs="", **more):
    def make(c):
        x = plain(c)
        x = swapped(x, c.user.encode(), reference) if reference else x
        return declaration(c).encode() + x
    hostile(name, "dtd", "gate.doctype", why, refs, **more)(make)


with_type("dtd-default-attribute", "a document type that gives elements an ID by default", lambda c: '<!DOCTYPE r [<!ATTLIST saml:NameID ID CDATA "_x">]>', refs="ruby-saml CVE-2025-25291")
with_type("dtd-id-attribute", "a document type that says which attribute is the ID", lambda c: "<!DOCTYPE r [<!ATTLIST saml:Assertion Version ID #REQUIRED>]>", refs="xmlsec and libxml2: who declares IDs")
with_type("dtd-namespace", "a document type that declares a namespace by default", lambda c: f'<!DOCTYPE r [<!ATTLIST samlp:Response xmlns:samlp CDATA "{s.P}">]>', refs="ruby-saml CVE-2025-25292")
with_type("dtd-entity-in-id", "an entity for an ID", lambda c: '<!DOCTYPE r [<!ENTITY id "_id">]>', refs="GHES CVE-2025-23369")
with_type("dtd-comment-trick", "a document type with a comment that one parser ends sooner", lambda c: '<!DOCTYPE r [<!-- -->\n<!ENTITY x "<!-- ">]>', refs="ruby-saml CVE-2025-25291")
with_type("dtd-parameter-entity", "a parameter entity from a web server", lambda c: f'<!DOCTYPE r [<!ENTITY % p SYSTEM "{c.canary}/p"> %p;]>', canary=True)
with_type("dtd-parameter-file", "a parameter entity from a file", lambda c: f'<!DOCTYPE r [<!ENTITY % p SYSTEM "file://{c.file}"> %p;]>', canary=True)
with_type("dtd-entity-file", "the identity from a file", lambda c: f'<!DOCTYPE r [<!ENTITY u SYSTEM "file://{c.file}">]>', b"&u;", canary=True)
with_type("dtd-public", "a public identifier with an address", lambda c: f'<!DOCTYPE r PUBLIC "-//x//y" "{c.canary}/dtd">', canary=True)
with_type("dtd-external-file", "the document type in a file", lambda c: f'<!DOCTYPE r SYSTEM "file://{c.file}">', canary=True)
with_type("dtd-notation", "a notation and an entity that is no XML", lambda c: f'<!DOCTYPE r [<!NOTATION n SYSTEM "{c.canary}/n"><!ENTITY e SYSTEM "{c.canary}/e" NDATA n>]>', canary=True)
with_type("dtd-quadratic", "a long entity named many times", lambda c: '<!DOCTYPE r [<!ENTITY a "' + "a" * 20_000 + '">]>', b"&a;" * 500)
with_type("dtd-lower-case", "a document type in small letters, which only HTML has", lambda c: "<!doctype r>")
with_type("dtd-behind-declaration", "a document type behind the XML declaration", lambda c: '<?xml version="1.0"?>\n<!DOCTYPE r>')


# ---------- what would fetch if somebody let it
def beside(name, why, put):
    """In a place that no signature covers; the assertion is good, so it may be accepted, and nothing may be fetched."""
    case(name, "fetch", "safe", None, why, canary=True)(lambda c: swapped(plain(c), b"<samlp:Status>", put(c).encode() + b"<samlp:Status>", 1))


beside("fetch-xinclude", "an XInclude of a web server in Extensions",
       lambda c: f'<samlp:Extensions><xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="{c.canary}/xi"/></samlp:Extensions>')
beside("fetch-xinclude-file", "an XInclude of a file in Extensions",
       lambda c: f'<samlp:Extensions><xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="file://{c.file}" parse="text"/></samlp:Extensions>')
beside("fetch-schema-location", "a schema at a web server",
       lambda c: f'<samlp:Extensions xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="urn:x {c.canary}/xsd"/>')
beside("fetch-xml-base", "a base address at a web server", lambda c: f'<samlp:Extensions xml:base="{c.canary}/"><x xmlns="urn:x" href="y"/></samlp:Extensions>')
beside("fetch-xlink", "a link that wants to be followed", lambda c: f'<samlp:Extensions><x xmlns="urn:x" xmlns:l="http://www.w3.org/1999/xlink" l:href="{c.canary}/l" l:actuate="onLoad" l:show="embed"/></samlp:Extensions>')
edited("fetch-stylesheet", "fetch", "gate.processing-instruction", "a style sheet at a web server", lambda c, x: f'<?xml-stylesheet type="text/xsl" href="{c.canary}/xsl"?>'.encode() + x, canary=True)


# ---------- encodings
def encoded(name, refused_by, why, encoding, declared=None, mark=b""):
    def edit(c, x):
        declaration = f'<?xml version="1.0" encoding="{declared}"?>' if declared else ""
        return mark + (declaration + x.decode()).encode(encoding)
    edited(name, "encoding", refused_by, why, edit)


encoded("enc-utf-16-le", "gate.encoding", "UTF-16 with a byte order mark", "utf-16-le", "UTF-16", b"\xff\xfe")
encoded("enc-utf-16-be", "gate.encoding", "UTF-16, the other way round, with a byte order mark", "utf-16-be", "UTF-16", b"\xfe\xff")
encoded("enc-utf-16-no-mark", "gate.character", "UTF-16 without byte order mark", "utf-16-le", "UTF-16")
encoded("enc-utf-32", "gate.encoding", "UTF-32", "utf-32-le", "UTF-32", b"\xff\xfe\x00\x00")
encoded("enc-ebcdic", "gate.encoding", "EBCDIC", "cp037", "cp037")
encoded("enc-decl-latin-1", "gate.xml-declaration", "declared ISO-8859-1", "utf-8", "ISO-8859-1")
encoded("enc-decl-utf-16", "gate.xml-declaration", "declared UTF-16 in UTF-8", "utf-8", "UTF-16")
encoded("enc-decl-windows", "gate.xml-declaration", "declared windows-1252", "utf-8", "windows-1252")
encoded("enc-decl-nothing", "gate.xml-declaration", "a space for an encoding", "utf-8", " ")
edited("enc-latin-1-octet", "encoding", "gate.encoding", "declared ISO-8859-1, with a letter of it",
       lambda c, x: b'<?xml version="1.0" encoding="ISO-8859-1"?>' + swapped(x, b">users<", b">us\xe9rs<"))
edited("enc-utf-7-text", "encoding", "gate.xml-declaration", "declared UTF-7, with a start tag in it",
       lambda c, x: b'<?xml version="1.0" encoding="UTF-7"?>' + swapped(x, b">users<", b">+ADw-users<"))
edited("enc-xml-1.1", "encoding", "gate.xml-declaration", "XML 1.1, where control characters are allowed", lambda c, x: b'<?xml version="1.1"?>' + x)
edited("enc-xml-2.0", "encoding", "gate.xml-declaration", "XML 2.0", lambda c, x: b'<?xml version="2.0"?>' + x)
edited("enc-decl-late", "encoding", "gate.processing-instruction", "an XML declaration behind a line feed", lambda c, x: b'\n<?xml version="1.0"?>' + x)
edited("enc-decl-twice", "encoding", "gate.processing-instruction", "two XML declarations", lambda c, x: b'<?xml version="1.0"?><?xml version="1.0"?>' + x)
edited("enc-decl-unknown", "encoding", "gate.xml-declaration", "an XML declaration with something of its own", lambda c, x: b'<?xml version="1.0" evil="1"?>' + x)
edited("enc-decl-order", "encoding", "gate.xml-declaration", "an XML declaration in another order", lambda c, x: b'<?xml encoding="UTF-8" version="1.0"?>' + x)


# ---------- documents that are none
def broken(name, refused_by, why, edit):
    edited(name, "wellformed", refused_by, why, lambda c, x: edit(x))


STATUS = b"<samlp:Status>"
broken("wf-text-before", "gate.text-outside-root", "text before the root", lambda x: b"x" + x)
broken("wf-nul-behind", "gate.character", "a NUL behind the root", lambda x: x + b"\x00")
broken("wf-comment-behind", "gate.comment", "a comment behind the root", lambda x: x + b"<!-- -->")
broken("wf-comment-before", "gate.comment", "a comment before the root", lambda x: b"<!-- -->" + x)
broken("wf-pi-behind", "gate.processing-instruction", "a processing instruction behind the root", lambda x: x + b"<?x?>")
broken("wf-end-tag-behind", "gate.not-well-formed", "an end tag behind the root", lambda x: x + b"</x>")
broken("wf-reference-behind", "gate.text-outside-root", "a reference behind the root", lambda x: x + b"&#32;")
broken("wf-crossed", "gate.not-well-formed", "end tags in the wrong order", lambda x: swapped(x, STATUS, b"<a><b></a></b>" + STATUS, 1))
broken("wf-end-tag-attribute", "gate.not-well-formed", "an end tag with an attribute", lambda x: swapped(x, b"</samlp:Status>", b'</samlp:Status a="b">', 1))
broken("wf-end-tag-case", "gate.not-well-formed", "an end tag in another case", lambda x: swapped(x, b"</samlp:Status>", b"</samlp:STATUS>", 1))
broken("wf-open-quote", "gate.not-well-formed", "an attribute without its second quote", lambda x: swapped(x, STATUS, b'<samlp:Status a="b>', 1))
broken("wf-no-quotes", "gate.not-well-formed", "an attribute without quotes", lambda x: swapped(x, STATUS, b"<samlp:Status a=b>", 1))
broken("wf-no-value", "gate.not-well-formed", "an attribute without value", lambda x: swapped(x, STATUS, b"<samlp:Status a>", 1))
broken("wf-no-space", "gate.not-well-formed", "no space between two attributes", lambda x: swapped(x, STATUS, b'<samlp:Status a="b"c="d">', 1))
broken("wf-less-than", "gate.not-well-formed", "a < in an attribute", lambda x: swapped(x, STATUS, b'<samlp:Status a="<">', 1))
broken("wf-slash", "gate.not-well-formed", "a slash between attributes", lambda x: swapped(x, STATUS, b'<samlp:Status / a="b">', 1))
broken("wf-space-before-name", "gate.not-well-formed", "a space before an element's name", lambda x: swapped(x, STATUS, b"< samlp:Status>", 1))
broken("wf-letter", "gate.not-well-formed", "an element's name with a letter outside ASCII", lambda x: swapped(x, STATUS, "<\u00e4/>".encode() + STATUS, 1))
broken("wf-duplicate-issuer-tag", "gate.not-well-formed", "the root is closed twice", lambda x: x + b"</samlp:Response>")
for _name, _why, _octets, _by in (
        ("wf-empty", "nothing", b"", "gate.not-well-formed"), ("wf-blank", "white space", b" \n ", "gate.not-well-formed"),
        ("wf-declaration-only", "an XML declaration and nothing else", b'<?xml version="1.0"?>', "gate.not-well-formed"),
        ("wf-json", "JSON", json.dumps({"user": "admin@corp.test"}).encode(), "gate.text-outside-root"),
        ("wf-html", "a page", b"<!DOCTYPE html><html><body>403</body></html>", "gate.doctype"),
        ("wf-binary", "octets of a picture", b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "gate.encoding")):
    hostile(_name, "wellformed", _by, f"a SAMLResponse that is {_why}")(lambda c, octets=_octets: octets)


# ---------- over the wire
def sent(name, refused_by, why, wire, refs=""):
    """`wire` makes the form value of a good response."""
    hostile(name, "wire", refused_by, why, refs, wire=wire)(lambda c: plain(c))


text = lambda octets: base64.b64encode(octets).decode()  # noqa: E731
sent("b64-url-alphabet", "gate.base64", "base64 in the alphabet of URLs", lambda x: base64.urlsafe_b64encode(x + b"\xff\xfe\xfb\xef" * 3).decode())
sent("b64-no-padding", "gate.base64", "base64 without its padding", lambda x: text(x + b" " * ((1 - len(x)) % 3)).rstrip("="))
sent("b64-too-much-padding", "gate.base64", "base64 with padding that it doesn't need", lambda x: text(x) + "==")
sent("b64-garbage-behind", "gate.base64", "something behind the base64", lambda x: text(x) + "!!!!")
sent("b64-second-behind", "gate.base64", "a second base64 behind the padding of the first", lambda x: text(x + b" " * ((1 - len(x)) % 3)) + text(b"<x/>"))
sent("b64-trailing-bits", "gate.base64", "bits in the last letter that count for nothing", lambda x: text(x + b" " * ((2 - len(x)) % 3))[:-2] + "B=")
sent("b64-twice", "gate.text-outside-root", "base64 of base64", lambda x: text(text(x).encode()))
sent("b64-escaped", "gate.base64", "base64 that is percent-encoded once more", lambda x: text(x).replace("=", "%3D").replace("+", "%2B").replace("/", "%2F"))
sent("b64-data-url", "gate.base64", "a data: URL", lambda x: "data:text/xml;base64," + text(x))
sent("b64-xml", "gate.base64", "the XML itself", lambda x: x.decode())
sent("b64-nul", "gate.base64", "a NUL in the base64", lambda x: text(x)[:40] + "\x00" + text(x)[40:])
sent("b64-zero-width", "gate.base64", "a zero-width space in the base64", lambda x: text(x)[:40] + "\u200b" + text(x)[40:])
sent("b64-array", "gate.base64", "a JSON array of the base64", lambda x: json.dumps([text(x)]))
sent("wire-deflated", "gate.encoding", "deflated, as only the redirect binding has it", lambda x: text(zlib.compress(x)[2:-4]))
sent("wire-zlib", "gate.encoding", "compressed by zlib", lambda x: text(zlib.compress(x)))
sent("wire-gzip", "gate.encoding", "compressed by gzip", lambda x: text(gzip.compress(x)))
