#!/usr/bin/env python3
"""sign: one SAML response of the throw-away identity provider, for one AuthnRequest; prints it as base64.

  sign.py --keys DIR --acs URL --sp-entity-id URL --in-response-to ID [--user E-MAIL] [--sign assertion|response|both|none]
          [--encrypt CIPHER --to CERTIFICATE [--transport oaep-sha1|oaep-sha256|rsa15] [--flaw FLAW]]
          [--session-index TEXT] [--session-minutes N] [--assertion-id ID] [--attribute NAME=VALUE ...] [--key idp|idp2|attacker]

An attribute that is given several times has several values; an empty ID of a request leaves InResponseTo out.
The keys are those of `samlattack.py keys`; CERTIFICATE is the service provider's, base64 of DER. It judges nothing: samlattack.py does that.
"""
import argparse, base64, datetime as dt

import samlattack, sealed

def options(a):
    chosen = {}
    if a.session_minutes is not None:
        chosen["snooa"] = samlattack.ts(dt.datetime.now(dt.timezone.utc) + dt.timedelta(minutes=a.session_minutes))
    if a.session_index: chosen["sidx"] = a.session_index
    if a.assertion_id: chosen["aid"] = a.assertion_id
    if a.attribute:
        given = {}
        for name, value in (x.split("=", 1) for x in a.attribute): given.setdefault(name, []).append(value)
        chosen["attrs"] = {"email": [a.user], **given}
    return chosen

def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter); ad = p.add_argument
    ad("--keys", required=True); ad("--acs", required=True); ad("--sp-entity-id", required=True); ad("--in-response-to", required=True)
    ad("--user", default="mallory@corp.test"); ad("--sign", default="both", choices=["assertion", "response", "both", "none"]); ad("--key", default="idp", choices=["idp", "idp2", "attacker"])
    ad("--session-index"); ad("--session-minutes", type=int); ad("--assertion-id"); ad("--attribute", action="append"); ad("--idp-entity-id", default="http://127.0.0.1:9999/idp")
    ad("--encrypt", choices=sealed.CIPHERS); ad("--to"); ad("--transport", default="oaep-sha1", choices=sealed.TRANSPORTS); ad("--flaw", choices=sealed.FLAWS)
    a = p.parse_args()
    for name in ("other_idp_entity_id", "victim", "canary_url", "other_acs", "other_sp_entity_id", "foreign_domain_user"): setattr(a, name, "unused")
    a.email_attr = "email"; c = samlattack.Ctx(a, a.in_response_to); key = {"idp": c.idp, "idp2": c.idp2, "attacker": c.att}[a.key]
    if a.encrypt: made = sealed.response(c, key, a.sign, a.encrypt, a.transport, a.to, a.flaw, **options(a))
    else: made = samlattack.signed(c, a.sign, k=key, **options(a))
    print(base64.b64encode(samlattack.out(made)).decode())

if __name__ == "__main__": main()
