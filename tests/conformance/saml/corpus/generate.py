#!/usr/bin/env python3
"""generate: the corpus of fixtures/saml in one go, at one instant, with throw-away keys: the cases of samlattack.py and those of this folder.

  generate.py --out fixtures/saml                                   all of it
  generate.py --out DIR --canary --canary-url URL --canary-file PATH [--keys DIR]
                                                                    those that want to fetch something, from there
  generate.py --list

The signing keys are made in a temporary folder and forgotten, unless --keys says where to keep them. The key that assertions are
encrypted to stays beside the corpus: it is of use to nobody else. See fixtures/saml/README.md.
"""
import argparse
import base64
import json
import pathlib
import shutil
import tempfile

import kit
from kit import CASES, Kit, s

import encryption, providers, signatures, sizes, statements, text, wrapping  # noqa: E401,F401  they register their cases
from known import JUDGED_LATER, LEFT_OUT, REFUSED_BY

LARGEST = 64 * 1024


def attack_cases():
    """samlattack.py's cases as ours: with the check that refuses each."""
    for known in s.CASES:
        name = known["name"]
        if name in LEFT_OUT:
            continue
        flags = {flag: known[flag] for flag in ("relay", "post", "session", "unsolicited") if flag in known}
        refused_by = None if known["expect"] == "accept" else REFUSED_BY.get(name, JUDGED_LATER.get(name))
        assert known["expect"] == "accept" or name in REFUSED_BY or name in JUDGED_LATER, f"what refuses {name}?"
        yield dict(name=name, family=known["family"], expect=known["expect"], refused_by=refused_by, why=known["why"], refs=known["refs"],
                   make=known["fn"], canary=bool(known.get("canary")), wire=known.get("wire"), **flags)


def all_cases():
    return [*attack_cases(), *CASES]


def form_value(case, octets):
    return case["wire"](octets) if case.get("wire") else base64.b64encode(octets).decode()


def entry(c, case):
    """What the manifest says of a case."""
    kept = ("name", "family", "expect", "refused_by", "why", "refs", "relay", "post", "session", "unsolicited", "canary", "provider", "recipe")
    shown = {key: case[key] for key in kept if case.get(key) or key == "refused_by"}
    if case["expect"] == "accept":
        shown.pop("refused_by")
        shown["identity"] = identity(c, case)
    return shown


def identity(c, case):
    """Whom a good response names; the end of the session as an instant."""
    found = {"name_id": c.user, "email": c.user, "display_name": None, "groups": ["users"], "session_not_on_or_after": None, **(case.get("identity") or {})}
    if case.get("provider") and "groups" not in (case.get("identity") or {}):
        found["groups"] = []
    if isinstance(found["session_not_on_or_after"], int):
        found["session_not_on_or_after"] = kit.at(found["session_not_on_or_after"])
    return found


def store(c, out, cases):
    """Writes the responses, and gives what the manifest says of each."""
    entries = []
    for case in cases:
        shown = entry(c, case)
        if not case.get("recipe"):
            value = form_value(case, case["make"](c))
            assert len(value) <= LARGEST, f"{case['name']} is too large to store: make a recipe of it"
            shown["file"] = f"{'good' if case['expect'] == 'accept' else 'hostile'}/{case['name']}.b64"
            (out / shown["file"]).write_text(value)
        entries.append(shown)
    return entries


def provider_metadata(c):
    """Our made-up provider: its RSA key, behind keys on three curves, so that an unfitting key comes first."""
    text = s.idp_metadata(c.idpid, c.idp)
    start = text.index("<md:KeyDescriptor")
    end = text.index("</md:KeyDescriptor>") + len("</md:KeyDescriptor>")
    keys = [text[start:end].replace(c.idp.certb64, key.certb64) for key in (c.p256, c.p384, c.idp, c.p521)]
    return text[:start] + "".join(keys) + text[end:]


def write(arguments, folder):
    out = pathlib.Path(arguments.out)
    c = Kit(arguments, folder)
    cases = [case for case in all_cases() if case.get("canary") or not arguments.canary]
    for kind in ("good", "hostile", "providers"):
        shutil.rmtree(out / kind, ignore_errors=True)
        (out / kind).mkdir(parents=True)
    manifest = {"made": kit.at(), "idp_entity_id": c.idpid, "sp_entity_id": c.spid, "acs": c.acs, "in_response_to": c.irt, "user": c.user, "victim": c.victim,
                "canary_url": c.canary, "canary_file": c.file, "cases": store(c, out, cases)}
    (out / "manifest.json").write_text(json.dumps(manifest, indent=1, ensure_ascii=True) + "\n")
    (out / "idp-metadata.xml").write_text(provider_metadata(c))
    (out / "other-idp-metadata.xml").write_text(s.idp_metadata(c.idpid2, c.idp2))
    for name in providers.ISSUERS:
        (out / "providers" / f"{name}.xml").write_text(providers.metadata(c, name))
    shutil.copy(pathlib.Path(folder, "sp.key"), out / "decryption-key.pem")
    kinds = [case["expect"] for case in cases]
    print(f"{kinds.count('accept')} good, {len(kinds) - kinds.count('accept')} hostile in {out}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--out")
    add("--list", action="store_true")
    add("--keys")
    add("--canary", action="store_true")
    add("--canary-url", default="http://127.0.0.1:9777")
    add("--canary-file", default="/canary")
    add("--acs", default="http://127.0.0.1:8080/saml/acme/acs")
    add("--sp-entity-id", default="http://127.0.0.1:8080/saml/acme/metadata")
    add("--other-acs", default="http://127.0.0.1:8080/saml/globex/acs")
    add("--other-sp-entity-id", default="http://127.0.0.1:8080/saml/globex/metadata")
    add("--idp-entity-id", default="http://127.0.0.1:9999/idp")
    add("--other-idp-entity-id", default="http://127.0.0.1:9998/idp")
    add("--user", default="mallory@corp.test")
    add("--victim", default="admin@corp.test")
    add("--foreign-domain-user", default="ceo@other-company.test")
    add("--email-attr", default="email")
    add("--in-response-to", default="_req1")
    arguments = parser.parse_args()
    if arguments.list:
        for case in all_cases():
            print(f"{case['name']:44}{case['family']:14}{case['expect']:8}{case['refused_by'] or '-':34}{case['why']}")
        return
    if not arguments.out:
        parser.error("--out says where to write")
    with tempfile.TemporaryDirectory() as temporary:
        arguments.keys = arguments.keys or temporary
        write(arguments, arguments.keys)


if __name__ == "__main__":
    main()

