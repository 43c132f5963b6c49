"""Verifies one SAML response over and over with pysaml2, and prints how many times and in how many seconds:

    python pysaml2_verify.py FOLDER SECONDS

FOLDER has response.b64, idp-metadata.xml and expected.json. pysaml2 starts the program xmlsec1 for each signature.
"""

import json
import sys
import time
from pathlib import Path

from saml2 import BINDING_HTTP_POST
from saml2.client import Saml2Client
from saml2.config import Config

folder, seconds = Path(sys.argv[1]), float(sys.argv[2])
expected = json.loads((folder / "expected.json").read_text())
config = Config().load(
    {
        "entityid": expected["audience"],
        "service": {
            "sp": {
                "endpoints": {"assertion_consumer_service": [(expected["acs_url"], BINDING_HTTP_POST)]},
                "want_response_signed": False,
                "want_assertions_signed": True,
            }
        },
        "metadata": {"local": [str(folder / "idp-metadata.xml")]},
        "accepted_time_diff": 180,
        "allow_unknown_attributes": True,
    }
)
client = Saml2Client(config)
response = (folder / "response.b64").read_text()


def verify_for(limit):
    begun, count = time.monotonic(), 0
    while time.monotonic() - begun < limit:
        answer = client.parse_authn_request_response(response, BINDING_HTTP_POST, {expected["request_id"]: "/"})
        if answer.name_id.text != expected["name_id"]:
            raise SystemExit(f"it says {answer.name_id.text}")
        count += 1
    return count, time.monotonic() - begun


verify_for(0.2)
print(*verify_for(seconds))
