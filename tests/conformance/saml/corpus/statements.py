"""statements: responses that the provider really signed, and that are not for us, not now, not for this request, or not to be read."""
from kit import E, at, case, good, hostile, millis, s, sign, signed, swapped, unsigned, written

PROFILE = "Profiles 4.1.4.2, 4.1.4.3"


def stated(name, family, refused_by, why, what="assertion", refs=PROFILE, **fields):
    """A genuinely signed response with other fields; a callable gets the kit."""
    @hostile(name, family, refused_by, why, refs)
    def _(c):
        given = {field: value(c) if callable(value) else value for field, value in fields.items()}
        return written(signed(c, what, **given)[0])


def restated(name, family, refused_by, why, change, what="assertion", refs=PROFILE, expect="reject"):
    """`change` gets the kit, the response and the assertion, then both are signed as `what` says."""
    @case(name, family, expect, refused_by, why, refs)
    def _(c):
        r, a = unsigned(c)
        change(c, r, a)
        if what in ("assertion", "both"):
            s.sign(a, c.idp)
        if what in ("response", "both"):
            s.sign(r, c.idp)
        return written(r)


def find(element, path):
    found = element.find(path, s.NS)
    assert found is not None, path
    return found


# ---------- time: the tolerance is 180 seconds, to the second
stated("time-expired-at-tolerance", "time", "check.expired", "NotOnOrAfter of the conditions 180 seconds ago, to the second", noa=lambda c: at(-180), nb=lambda c: at(-600))
stated("time-confirmation-at-tolerance", "time", "check.confirmation-expired", "NotOnOrAfter of the confirmation 180 seconds ago, to the second", scd_noa=lambda c: at(-180))
stated("time-period-reversed", "time", "check.period", "conditions that end before they begin, both within the tolerance", nb=lambda c: at(180), noa=lambda c: at(-179), scd_noa=lambda c: at(-179))
stated("time-not-yet-past-tolerance", "time", "check.not-yet-valid", "NotBefore in 181 seconds", nb=lambda c: at(181))
stated("time-response-future", "time", "check.response-issue-instant", "the response was issued in 181 seconds", issue=lambda c: at(181))
stated("time-assertion-future", "time", "check.assertion-issue-instant", "the assertion was issued in 181 seconds", a_issue=lambda c: at(181))
stated("time-response-old", "time", "check.response-issue-instant", "the response was issued 481 seconds ago", issue=lambda c: at(-481))
stated("time-assertion-old", "time", "check.assertion-issue-instant", "the assertion was issued 481 seconds ago", a_issue=lambda c: at(-481))
stated("time-session-at-tolerance", "time", "check.session-expired", "SessionNotOnOrAfter 180 seconds ago, to the second", snooa=lambda c: at(-180))
restated("time-authn-future", "time", "check.authn-instant", "signed in at the provider in 181 seconds", lambda c, r, a: find(a, "s:AuthnStatement").set("AuthnInstant", at(181)))
restated("time-no-not-on-or-after", "time", "check.expired", "conditions without NotOnOrAfter", lambda c, r, a: find(a, "s:Conditions").attrib.pop("NotOnOrAfter"))
restated("time-no-authn-instant", "time", "assertion.time", "no AuthnInstant", lambda c, r, a: find(a, "s:AuthnStatement").attrib.pop("AuthnInstant"))
restated("time-no-issue-instant", "time", "assertion.time", "an assertion without IssueInstant", lambda c, r, a: a.attrib.pop("IssueInstant"))
restated("time-no-response-issue-instant", "time", "gate.issue-instant", "a response without IssueInstant", lambda c, r, a: r.attrib.pop("IssueInstant"))
restated("time-second-statement-over", "time", "check.session-expired", "of two AuthnStatements one is over", lambda c, r, a: a.append(statement_over(a)))


def statement_over(a):
    other = E.fromstring(E.tostring(find(a, "s:AuthnStatement")))
    other.set("SessionNotOnOrAfter", at(-3600))
    return other


def written_time(name, why, write, expect="reject"):
    """NotOnOrAfter of the confirmation in another way of writing."""
    restated(name, "time-text", "assertion.time" if expect == "reject" else None, why, lambda c, r, a: find(a, ".//s:SubjectConfirmationData").set("NotOnOrAfter", write()), refs="Core 1.3.3", expect=expect)


written_time("time-offset-zero", "an offset of zero in place of Z", lambda: at(300)[:-1] + "+00:00")
written_time("time-offset-east", "an offset of five hours", lambda: at(300 + 18_000)[:-1] + "+05:00")
written_time("time-offset-hides-past", "a past instant that an offset makes future to who drops it", lambda: at(3_600)[:-1] + "+14:00")
written_time("time-no-zone", "no zone", lambda: at(300)[:-1])
written_time("time-lower-case", "t and z", lambda: at(300).lower())
written_time("time-space", "a space in place of T", lambda: at(300).replace("T", " "))
written_time("time-padded", "spaces around it", lambda: f" {at(300)} ")
written_time("time-leap-second", "a leap second", lambda: at(86_400)[:10] + "T23:59:60Z")
written_time("time-24-hours", "24:00", lambda: at(86_400)[:10] + "T24:00:00Z")
written_time("time-february-30", "the 30th of February", lambda: "2027-02-30T00:00:00Z")
written_time("time-year-10000", "the year 10000", lambda: "10000-01-01T00:00:00Z")
written_time("time-year-0000", "the year 0", lambda: "0000-01-01T00:00:00Z")
written_time("time-year-negative", "a year before our era", lambda: "-2026-01-01T00:00:00Z")
written_time("time-year-signed", "a year with a plus", lambda: "+2027-01-01T00:00:00Z")
written_time("time-fraction-31", "31 digits of fraction", lambda: at(300)[:-1] + "." + "9" * 31 + "Z")
written_time("time-fraction-none", "a fraction without digits", lambda: at(300)[:-1] + ".Z")
written_time("time-fraction-comma", "a fraction behind a comma", lambda: at(300)[:-1] + ",5Z")
written_time("time-digits-arabic", "digits of another script", lambda: "".join(chr(0x660 + int(x)) if x.isdigit() else x for x in at(300)))
written_time("time-date-only", "a date", lambda: at(86_400)[:10])
written_time("time-unix", "seconds since 1970", lambda: "1999999999")
written_time("time-no-seconds", "no seconds", lambda: at(300)[:16] + "Z")
written_time("time-week", "a date by weeks", lambda: "2027-W01-1T00:00:00Z")
written_time("time-infinity", "INF", lambda: "INF")
written_time("time-empty", "nothing", lambda: "")
written_time("time-year-9999", "the year 9999: as good as for ever, and no overflow", lambda: "9999-12-31T23:59:59.999Z", "safe")
restated("time-offset-issue-instant", "time-text", "gate.issue-instant", "the response's IssueInstant with an offset", lambda c, r, a: r.set("IssueInstant", at()[:-1] + "+00:00"), "both", "Core 1.3.3")
restated("time-unreadable-session-end", "time-text", "assertion.time", "a SessionNotOnOrAfter that is no instant", lambda c, r, a: find(a, "s:AuthnStatement").set("SessionNotOnOrAfter", "never"))
restated("time-session-9999", "time", None, "a session until the year 9999: the policy's lifetime is shorter", lambda c, r, a: find(a, "s:AuthnStatement").set("SessionNotOnOrAfter", "9999-12-31T23:59:59Z"), expect="safe")


@good("valid-fraction-30", "instants with 30 digits of fraction")
def _(c):
    return written(signed(c, "both", noa=at(300)[:-1] + "." + "123" * 10 + "Z")[0])


@good("valid-at-tolerance-early", "issued and valid only from the last second of the tolerance on")
def _(c):
    return written(signed(c, "both", issue=at(180), a_issue=at(180), nb=at(180))[0])


@good("valid-at-tolerance-late", "everything over since the last second of the tolerance")
def _(c):
    edge = dict(issue=at(-479), a_issue=at(-479), nb=at(-600), noa=at(-179), scd_noa=at(-179))
    return written(signed(c, "both", **edge)[0])


# ---------- for whom
def audience(name, why, *restrictions):
    stated(name, "audience", "check.audience", why, audiences=lambda c: [[each(c) for each in one] for one in restrictions])


audience("aud-longer", "our name is the beginning of the audience", [lambda c: c.spid + ".evil.example"])
audience("aud-shorter", "the audience is the beginning of our name", [lambda c: c.spid[:-1]])
audience("aud-slash", "a slash behind our name", [lambda c: c.spid + "/"])
audience("aud-list", "our name and another in one Audience", [lambda c: f"{c.spid} https://evil.example/sp"])
audience("aud-empty", "an empty Audience", [lambda c: ""])
audience("aud-none", "a restriction without Audience", [])
audience("aud-and", "two restrictions, of which one names us: both must hold", [lambda c: c.spid], [lambda c: "https://evil.example/sp"])
audience("aud-escaped", "our name with an escaped letter", [lambda c: c.spid.replace("acme", "%61cme")])
audience("aud-user", "our name behind a user's", [lambda c: c.spid.replace("://", "://evil@")])
audience("aud-acs", "the address of the consumer service in place of our name", [lambda c: c.acs])
audience("aud-provider", "the provider's own name", [lambda c: c.idpid])
audience("aud-zero-width", "our name with a zero-width space", [lambda c: c.spid + "\u200b"])
restated("aud-foreign-namespace", "audience", "assertion.unknown-condition", "an AudienceRestriction of another namespace", lambda c, r, a: foreign(find(a, "s:Conditions"), "AudienceRestriction"))
restated("condition-unknown", "audience", "assertion.unknown-condition", "a Condition that nobody knows", lambda c, r, a: s.sub(find(a, "s:Conditions"), s.sq("Condition")), refs="Core 2.5.1")
restated("conditions-twice", "audience", "gate.repeated-element", "two Conditions", lambda c, r, a: a.append(E.fromstring(E.tostring(find(a, "s:Conditions")))))


def foreign(parent, name):
    return E.SubElement(parent, "{urn:evil}" + name)


def address(field, check):
    """Near misses of the address of the consumer service."""
    for name, why, change in (
            ("slash", "a slash behind it", lambda u: u + "/"), ("case", "in capitals", lambda u: u.replace("acme", "ACME")),
            ("host-case", "its scheme in capitals", lambda u: u.replace("http://", "HTTP://")), ("https", "by another scheme", lambda u: u.replace("http://", "https://")),
            ("no-port", "without its port", lambda u: u.replace(":8080", "")), ("user", "behind a user's name", lambda u: u.replace("://", "://evil@")),
            ("host", "at another host", lambda u: u.replace("127.0.0.1", "localhost")), ("query", "with a query", lambda u: u + "?x"), ("fragment", "with a fragment", lambda u: u + "#x"),
            ("escaped", "with an escaped letter", lambda u: u.replace("acme", "%61cme")), ("dots", "by way of another workspace", lambda u: u.replace("/acme/", "/globex/../acme/")),
            ("workspace", "of another workspace", lambda u: u.replace("/acme/", "/globex/")), ("space", "with a space behind it", lambda u: u + " "), ("longer", "with a letter more", lambda u: u + "s"),
            ("empty", "empty", lambda u: "")):
        yield name, f"{field} is our address {why}", change, check


for _name, _why, _change, _check in address("Recipient", "check.recipient"):
    restated(f"recipient-{_name}", "recipient", _check, _why, lambda c, r, a, change=_change: find(a, ".//s:SubjectConfirmationData").set("Recipient", change(c.acs)))
for _name, _why, _change, _check in address("Destination", "check.destination"):
    restated(f"destination-{_name}", "destination", _check, _why, lambda c, r, a, change=_change: r.set("Destination", change(c.acs)), "both", "Bindings 3.5.5.2")

# ---------- by whom
for _name, _why, _change in (
        ("space", "with a space behind it", lambda i: i + " "), ("line-ends", "on a line of its own", lambda i: f"\n  {i}\n"), ("case", "in capitals", lambda i: i.upper()),
        ("slash", "with a slash behind it", lambda i: i + "/"), ("longer", "with a letter more", lambda i: i + "x"), ("shorter", "with a letter less", lambda i: i[:-1]),
        ("cyrillic", "with a Cyrillic letter", lambda i: i.replace("p", "\u0440")), ("zero-width", "with a zero-width space", lambda i: i + "\u200b"), ("empty", "empty", lambda i: "")):
    stated(f"issuer-assertion-{_name}", "issuer", "check.assertion-issuer", f"the assertion's Issuer is the provider's name {_why}", a_issuer=lambda c, change=_change: change(c.idpid))
    restated(f"issuer-response-{_name}", "issuer", "check.response-issuer", f"the response's Issuer is the provider's name {_why}",
             lambda c, r, a, change=_change: setattr(find(r, "s:Issuer"), "text", change(c.idpid)), "both")
stated("issuer-response-missing", "issuer", "check.response-issuer", "no Issuer in the response", resp_issuer=None)
restated("issuer-assertion-missing", "issuer", "assertion.issuer", "no Issuer in the assertion", lambda c, r, a: a.remove(find(a, "s:Issuer")), "response")
hostile("issuer-nul", "issuer", "gate.reference", "&#0; behind the Issuers")(lambda c: swapped(written(signed(c)[0]), b"</saml:Issuer>", b"&#0;</saml:Issuer>"))
restated("issuer-markup", "issuer", "gate.mixed-content", "an element within the assertion's Issuer", lambda c, r, a: foreign(find(a, "s:Issuer"), "x"))


# ---------- to what
stated("irt-case", "inresponseto", "check.in-response-to", "the request's ID in another case", irt=lambda c: c.irt.upper())
stated("irt-longer", "inresponseto", "check.in-response-to", "the request's ID with a letter more", irt=lambda c: c.irt + "x")
stated("irt-space", "inresponseto", "check.in-response-to", "the request's ID with a space behind it", irt=lambda c: c.irt + " ")
stated("irt-list", "inresponseto", "check.in-response-to", "two IDs, one of them the request's", irt=lambda c: f"_other {c.irt}")
stated("irt-only-response", "inresponseto", "check.confirmation-in-response-to", "the request's ID in the response alone", scd_irt="")
stated("irt-only-confirmation", "inresponseto", "check.in-response-to", "the request's ID in the confirmation alone", resp_irt="")
stated("irt-other-in-confirmation", "inresponseto", "check.confirmation-in-response-to", "another request's ID in the confirmation", scd_irt="_other")

# ---------- of whom
stated("bearer-not-before", "confirmation", "check.confirmation-not-before", "a bearer confirmation with NotBefore", scd_nb=lambda c: at(-60))
stated("bearer-name-only", "confirmation", "check.bearer", "the method is the end of bearer's name", method="bearer")
stated("bearer-case", "confirmation", "check.bearer", "the method in capitals", method=lambda c: s.BEARER.upper())
stated("bearer-holder-of-key", "confirmation", "check.bearer", "holder of key", method="urn:oasis:names:tc:SAML:2.0:cm:holder-of-key")
restated("bearer-no-method", "confirmation", "assertion.confirmation-method", "a confirmation without Method", lambda c, r, a: find(a, ".//s:SubjectConfirmation").attrib.pop("Method"))
restated("bearer-two-wrong", "confirmation", "check.recipient", "two confirmations, one for another address, one for another request", lambda c, r, a: two_confirmations(c, a))
restated("bearer-two-data", "confirmation", "gate.repeated-element", "two SubjectConfirmationData", lambda c, r, a: s.sub(find(a, ".//s:SubjectConfirmation"), s.sq("SubjectConfirmationData")))
restated("bearer-foreign-data", "confirmation", "check.recipient", "SubjectConfirmationData of another namespace", lambda c, r, a: setattr(find(a, ".//s:SubjectConfirmationData"), "tag", "{urn:evil}SubjectConfirmationData"))
restated("subject-twice", "subject", "gate.repeated-element", "two Subjects", lambda c, r, a: a.append(E.fromstring(E.tostring(find(a, "s:Subject")))))
restated("subject-two-names", "subject", "gate.repeated-element", "two NameIDs", lambda c, r, a: find(a, "s:Subject").insert(0, named(c.victim)))
restated("subject-base-id", "subject", "assertion.name-id", "a BaseID in place of the NameID", lambda c, r, a: setattr(find(a, ".//s:NameID"), "tag", s.sq("BaseID")))
restated("subject-foreign-name", "subject", "assertion.name-id", "a NameID of another namespace", lambda c, r, a: setattr(find(a, ".//s:NameID"), "tag", "{urn:evil}NameID"))
restated("subject-markup-in-name", "subject", "gate.mixed-content", "an element within the NameID: its text is in two parts", lambda c, r, a: setattr(foreign(find(a, ".//s:NameID"), "x"), "tail", ".evil.example"))
restated("subject-only-in-confirmation", "subject", "assertion.name-id", "the NameID in the SubjectConfirmation alone", lambda c, r, a: find(a, ".//s:SubjectConfirmation").insert(0, find(a, ".//s:NameID")))
restated("subject-encrypted-id", "subject", "gate.encrypted-id", "an EncryptedID in place of the NameID", lambda c, r, a: setattr(find(a, ".//s:NameID"), "tag", s.sq("EncryptedID")))


def two_confirmations(c, a):
    confirmation = find(a, ".//s:SubjectConfirmation")
    other = E.fromstring(E.tostring(confirmation))
    find(confirmation, "s:SubjectConfirmationData").set("InResponseTo", "_other")
    find(other, "s:SubjectConfirmationData").set("Recipient", "https://evil.example/acs")
    confirmation.addnext(other)


def named(text):
    element = E.Element(s.sq("NameID"))
    element.text = text
    return element


# ---------- that, and how
stated("status-nested-success", "status", "check.status", "failure with a nested success", "both", status="urn:oasis:names:tc:SAML:2.0:status:Responder")
stated("status-case", "status", "check.status", "success in small letters", "both", status=s.OK.lower())
stated("status-saml-1", "status", "check.status", "the success of SAML 1.1", "both", status="samlp:Success")
stated("status-longer", "status", "check.status", "success with a letter more", "both", status=s.OK + "x")
restated("status-no-value", "status", "check.status", "a StatusCode without Value", lambda c, r, a: find(r, ".//p:StatusCode").attrib.pop("Value"))
restated("status-no-code", "status", "check.status", "a Status without StatusCode", lambda c, r, a: find(r, "p:Status").remove(find(r, ".//p:StatusCode")))
restated("status-two-codes", "status", "gate.repeated-element", "a StatusCode of failure and one of success", lambda c, r, a: s.sub(find(r, "p:Status"), s.pq("StatusCode"), Value="urn:oasis:names:tc:SAML:2.0:status:Requester"))
restated("status-only-nested", "status", "check.status", "success as the second code of failure", lambda c, r, a: nest_status(r), "both")
stated("version-2.1", "version", "check.response-version", "Version 2.1 of the response", version="2.1")
stated("version-space", "version", "check.assertion-version", "Version 2.0 of the assertion with a space", aversion="2.0 ")
stated("version-assertion-1.1", "version", "check.assertion-version", "Version 1.1 of the assertion alone", aversion="1.1")
restated("version-none", "version", "gate.version", "a response without Version", lambda c, r, a: r.attrib.pop("Version"))
restated("version-none-assertion", "version", "assertion.version", "an assertion without Version", lambda c, r, a: a.attrib.pop("Version"))
restated("authn-only-decision", "authn", "check.authn-statement", "an AuthzDecisionStatement in place of the AuthnStatement", lambda c, r, a: setattr(find(a, "s:AuthnStatement"), "tag", s.sq("AuthzDecisionStatement")))
restated("authn-foreign", "authn", "check.authn-statement", "an AuthnStatement of another namespace", lambda c, r, a: setattr(find(a, "s:AuthnStatement"), "tag", "{urn:evil}AuthnStatement"))
restated("authn-two-contexts", "authn", "gate.repeated-element", "two AuthnContexts", lambda c, r, a: s.sub(find(a, "s:AuthnStatement"), s.sq("AuthnContext")))
restated("attribute-no-name", "attributes", "assertion.attribute-name", "an Attribute without Name", lambda c, r, a: find(a, ".//s:Attribute").attrib.pop("Name"))
restated("attribute-encrypted", "attributes", "gate.encrypted-assertion", "an EncryptedAttribute", lambda c, r, a: s.sub(find(a, "s:AttributeStatement"), s.sq("EncryptedAttribute")))


def nest_status(r):
    code = find(r, ".//p:StatusCode")
    code.set("Value", "urn:oasis:names:tc:SAML:2.0:status:Responder")
    s.sub(code, s.pq("StatusCode"), Value=s.OK)


# ---------- good ones of the made-up provider
def good_key(name, why, key, alg, digest="sha256", what="assertion"):
    @good(name, why)
    def _(c):
        r, a = unsigned(c)
        for element in {"assertion": [a], "both": [a, r]}[what]:
            sign(element, getattr(c, key), alg, digest)
        return written(r)


good_key("valid-ecdsa-p256", "a key on P-256", "p256", "ecdsa-sha256")
good_key("valid-ecdsa-p384", "a key on P-384, SHA-384 throughout", "p384", "ecdsa-sha384", "sha384", "both")
good_key("valid-ecdsa-p521", "a key on P-521, SHA-512 throughout", "p521", "ecdsa-sha512", "sha512")
good_key("valid-rsa-sha384", "RSA over SHA-384", "idp", "rsa-sha384", "sha384", "both")


@hostile("sig-two-keys-of-one-provider", "signature", "signature.disagreement", "the assertion by the RSA key, the response by that on P-256, both in the metadata: "
         "one verifier is asked for one key at a time, and so says no", "a limit, not an attack")
def _(c):
    r, a = unsigned(c)
    sign(a, c.idp)
    sign(r, c.p256, "ecdsa-sha256")
    return written(r)


@good("valid-indented", "indented, as for people")
def _(c):
    r, a = unsigned(c)
    E.indent(r)
    s.sign(a, c.idp)
    return E.tostring(r, encoding="utf-8", xml_declaration=True) + b"\n"


@good("valid-extensions-and-message", "Extensions, a StatusMessage and StatusDetail, which say nothing here")
def _(c):
    r, a = unsigned(c)
    extensions = E.Element(s.pq("Extensions"))
    E.SubElement(extensions, "{urn:x}note").text = "a & b"
    r.insert(1, extensions)
    status = find(r, "p:Status")
    s.sub(status, s.pq("StatusMessage"), "welcome")
    E.SubElement(s.sub(status, s.pq("StatusDetail")), "{urn:x}note")
    s.sign(a, c.idp)
    return written(r)


@good("valid-second-confirmation", "a confirmation for another address before ours")
def _(c):
    r, a = unsigned(c)
    confirmation = find(a, ".//s:SubjectConfirmation")
    other = E.fromstring(E.tostring(confirmation))
    find(other, "s:SubjectConfirmationData").set("Recipient", "https://other.example/acs")
    confirmation.addprevious(other)
    s.sign(a, c.idp)
    return written(r)


@good("valid-session-end", "SessionNotOnOrAfter in five minutes, OneTimeUse", identity={"session_not_on_or_after": 300})
def _(c):
    return written(signed(c, "both", snooa=at(300), onetime=True)[0])


@good("valid-several-audiences", "our name is the second of two in a restriction")
def _(c):
    return written(signed(c, audiences=[["https://other.example/sp", c.spid]], nb=millis(-60))[0])


