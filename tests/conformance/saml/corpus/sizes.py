"""sizes: what is too much. Small enough ones are stored; the others are recipes, which tests/it/saml_corpus/recipe.rs follows too:
something is put before the Status of a good response, where no signature of the assertion covers it."""
import zlib

from kit import case, hostile, signed, swapped, written

BEFORE = b"<samlp:Status>"


def put(name, refused_by, why, octets):
    """Stored: puts octets into Extensions."""
    hostile(name, "size", refused_by, why)(lambda c: extended(written(signed(c)[0]), octets))


def extended(octets, inner, attributes=b""):
    return swapped(octets, BEFORE, b"<samlp:Extensions" + attributes + b">" + inner + b"</samlp:Extensions>" + BEFORE, 1)


put("size-depth-65", "gate.too-deep", "elements in one another, 65 deep in all", b"<a>" * 63 + b"</a>" * 63)
put("size-attributes-65", "gate.too-many-attributes", "65 attributes", b"<a" + b"".join(b' a%d="1"' % n for n in range(65)) + b"/>")
put("size-declarations-33", "gate.too-many-namespaces", "33 namespace declarations of one tag", b"<a" + b"".join(b' xmlns:n%d="urn:x"' % n for n in range(33)) + b"/>")
put("size-declarations-in-scope", "gate.too-many-namespaces", "over 256 namespace declarations in force",
    b"".join(b"<a" + b"".join(b' xmlns:n%d="urn:x"' % n for n in range(32)) + b">" for _ in range(8)) + b"</a>" * 8)

MANY = {
    "text": lambda n: (b"", b"a" * n),
    "deep": lambda n: (b"", b"<a>" * n + b"</a>" * n),
    "attributes": lambda n: (b"".join(b' a%d="1"' % i for i in range(n)), b""),
    "declarations": lambda n: (b"".join(b' xmlns:n%d="urn:x"' % i for i in range(n)), b""),
    "elements": lambda n: (b"", b"<a/>" * n),
    "comments": lambda n: (b"", b"<!-- -->" * n),
    "references": lambda n: (b"", b"&#x41;" * n),
    "ids": lambda n: (b"", b"".join(b'<a ID="_%d"/>' % i for i in range(n))),
    "signatures": lambda n: (b"", b'<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"/>' * n),
}


def cooked(c, recipe, count):
    """The response of a recipe, and how it goes over the wire."""
    if recipe == "deflate-bomb":
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        return packer.compress(b" " * count) + packer.flush()
    good = written(signed(c)[0])
    if recipe == "certificates":
        certificate = b"<ds:X509Certificate>" + c.att.certb64.encode() + b"</ds:X509Certificate>"
        return swapped(good, b"<ds:X509Certificate>", certificate * count + b"<ds:X509Certificate>", 1)
    if recipe == "canonicalisation":
        return canonicalised(good, count)
    attributes, inner = MANY[recipe](count)
    return extended(good, inner, attributes)


def canonicalised(octets, count):
    """A PrefixList of 24 prefixes, as many declarations, and elements within what would have to be canonicalised."""
    prefixes = b" ".join(b"n%d" % n for n in range(24))
    declared = b"".join(b' xmlns:n%d="urn:x"' % n for n in range(24))
    listed = b'<ec:InclusiveNamespaces xmlns:ec="http://www.w3.org/2001/10/xml-exc-c14n#" PrefixList="' + prefixes + b'"/></ds:Transform></ds:Transforms>'
    octets = swapped(octets, b'<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/></ds:Transforms>', b'<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#">' + listed, 1)
    return swapped(octets, b"<saml:AttributeStatement>", b"<saml:AttributeStatement" + declared + b">" + b"<a/>" * count, 1)


def recipe(name, refused_by, why, kind, count, expect="reject"):
    case(name, "size", expect, refused_by, why, recipe={"kind": kind, "count": count})(lambda c: cooked(c, kind, count))


recipe("size-10-mb", "gate.too-large", "10 MB of text", "text", 10_000_000)
recipe("size-deep-10000", "gate.too-many-elements", "elements in one another, 10,000 deep", "deep", 10_000)
recipe("size-attributes-100000", "gate.too-large", "100,000 attributes", "attributes", 100_000)
recipe("size-attributes-25000", "gate.too-many-attributes", "as many attributes as the form has room for", "attributes", 25_000)
recipe("size-declarations-15000", "gate.too-many-attributes", "as many namespace declarations as the form has room for", "declarations", 15_000)
recipe("size-elements-8001", "gate.too-many-elements", "over 8,000 elements", "elements", 8_001)
recipe("size-elements-100000", "gate.too-large", "100,000 elements", "elements", 100_000)
recipe("size-comments-40000", "gate.too-many-elements", "40,000 comments", "comments", 40_000)
recipe("size-signatures-5000", "gate.stray-signature", "5,000 signatures", "signatures", 5_000)
recipe("size-deflate-bomb", "gate.encoding", "10 MB, deflated: a form value is never inflated", "deflate-bomb", 10_000_000)
recipe("size-canonicalisation", "signature.invalid", "what is dear to canonicalise, under a signature that doesn't verify", "canonicalisation", 7_900)
recipe("size-elements-7900", None, "as many elements as are let through, where nothing is signed", "elements", 7_900, "safe")
recipe("size-text-300000", None, "as much text as is let through", "text", 300_000, "safe")
recipe("size-references-50000", None, "50,000 references to a character", "references", 50_000, "safe")
recipe("size-ids-7900", None, "as many IDs as are let through", "ids", 7_900, "safe")
recipe("size-certificates-200", None, "200 certificates in KeyInfo, which nobody reads", "certificates", 200, "safe")
