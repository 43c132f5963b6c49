"""An identity provider made of pysaml2's Server: a form that signs one person in, assertions, and single logout.

It knows nothing of the product but the metadata that it is given. Everything is in the folder given: signing.key,
signing.crt, perhaps next.crt (announced, not used), sp-metadata.xml, and a file `encrypt` or `encrypt-as-ever` where it is
to encrypt assertions. What a page needs is read anew with each request, so that a test can change the folder meanwhile.
"""

import argparse
import html
import http.server
import pathlib
import secrets
import urllib.parse

from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT
from saml2.config import IdPConfig
from saml2.metadata import entity_descriptor
from saml2.saml import NAMEID_FORMAT_EMAILADDRESS, NameID
from saml2.server import Server
from saml2.sigver import (
    get_pem_wrapped_unwrapped,
    make_temp,
    pre_encryption_part,
    verify_redirect_signature,
)
from saml2.time_util import in_a_while
from saml2.xmldsig import DIGEST_SHA256, SIG_RSA_SHA256

AES256_GCM = "http://www.w3.org/2009/xmlenc11#aes256-gcm"
PASSWORD_CLASS = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"
PEOPLE = {"mallory": "pw"}
FORM = """<!DOCTYPE html><title>Sign in</title><h1>Sign in</h1><form action="/login" method="post">
<input type="hidden" name="SAMLRequest" value="{request}"><input type="hidden" name="RelayState" value="{relay_state}">
<input type="hidden" name="binding" value="{binding}">
<input type="text" name="username"><input type="password" name="password"><button>Sign in</button></form>"""


class Remembering(Server):
    """Keeps the assertion that it makes: single logout needs its SessionIndex."""

    made = None

    def setup_assertion(self, *arguments, **named):
        self.made = super().setup_assertion(*arguments, **named)
        return self.made


class Aes(Remembering):
    """pysaml2 encrypts by 3DES unless the parts are put together by hand, from its own functions."""

    def _encrypt_assertion(self, encrypt_cert, sp_entity_id, response, node_xpath=None):
        _, certificate = self.metadata.certs(sp_entity_id, "any", "encryption")[0]
        wrapped, unwrapped = get_pem_wrapped_unwrapped(certificate)
        key = make_temp(wrapped.encode("ascii"), decode=False)
        part = pre_encryption_part(msg_enc=AES256_GCM, encrypt_cert=unwrapped)
        return self.sec.encrypt_assertion(response, key.name, part, key_type="aes-256", node_xpath=node_xpath)


class Provider:
    def __init__(self, folder, url, xmlsec1):
        self.folder, self.url, self.xmlsec1 = folder, url, xmlsec1
        # Cookie → user, and the sign-ins made from it: (service provider, NameID, SessionIndex).
        self.sessions = {}

    def config(self):
        endpoint = lambda path, *bindings: [(self.url + path, binding) for binding in bindings]
        following = self.folder / "next.crt"
        return IdPConfig().load(
            {
                "entityid": self.url + "/metadata",
                "xmlsec_binary": self.xmlsec1,
                "key_file": str(self.folder / "signing.key"),
                "cert_file": str(self.folder / "signing.crt"),
                "additional_cert_files": [str(following)] if following.exists() else None,
                "metadata": {"local": [str(self.folder / "sp-metadata.xml")]},
                "service": {
                    "idp": {
                        "endpoints": {
                            "single_sign_on_service": endpoint("/sso", BINDING_HTTP_REDIRECT, BINDING_HTTP_POST),
                            "single_logout_service": endpoint("/slo", BINDING_HTTP_REDIRECT),
                        },
                        "policy": {"default": {"lifetime": {"minutes": 15}}},
                        "name_id_format": [NAMEID_FORMAT_EMAILADDRESS],
                        "sign_assertion": True,
                        "sign_response": True,
                        "signing_algorithm": SIG_RSA_SHA256,
                        "digest_algorithm": DIGEST_SHA256,
                    }
                },
            }
        )

    def server(self):
        return (Remembering if (self.folder / "encrypt-as-ever").exists() else Aes)(config=self.config())

    def encrypts(self):
        return any((self.folder / name).exists() for name in ("encrypt", "encrypt-as-ever"))

    def answer(self, session, message, binding, relay_state):
        """The page that posts the response."""
        server = self.server()
        request = server.parse_authn_request(message, binding).message
        arguments = server.response_args(request, [BINDING_HTTP_POST])
        name_id = NameID(format=NAMEID_FORMAT_EMAILADDRESS, text=session["user"] + "@corp.test")
        response = server.create_authn_response(
            identity={"mail": [name_id.text], "displayName": ["Mallory Moe"], "groups": ["users", "devs"]},
            in_response_to=arguments["in_response_to"],
            destination=arguments["destination"],
            sp_entity_id=arguments["sp_entity_id"],
            name_id=name_id,
            authn={"class_ref": PASSWORD_CLASS},
            sign_assertion=True,
            sign_response=True,
            encrypt_assertion=self.encrypts(),
            session_not_on_or_after=in_a_while(hours=8),
        )
        statement = server.made.authn_statement
        statement = statement[0] if isinstance(statement, list) else statement
        session["services"].append((arguments["sp_entity_id"], name_id, statement.session_index))
        return server.apply_binding(
            BINDING_HTTP_POST, str(response), arguments["destination"], relay_state, response=True
        )["data"]

    def ask_to_log_out(self, service, name_id, session_index):
        """Where to send the browser so that the service provider ends its session."""
        server = self.server()
        binding, destination = server.pick_binding(
            "single_logout_service", [BINDING_HTTP_REDIRECT], "spsso", entity_id=service
        )
        _, request = server.create_logout_request(
            destination, service, name_id=name_id, session_indexes=[session_index], sign=False
        )
        return location(server.apply_binding(binding, str(request), destination, "after-logout", sign=True))

    def log_out(self, query, cookie):
        """A service provider's LogoutRequest: where to send the browser with the answer, or None if it isn't signed."""
        server = self.server()
        request = server.parse_logout_request(query["SAMLRequest"], BINDING_HTTP_REDIRECT).message
        if not self.is_signed(server, query, "SAMLRequest", request.issuer.text):
            return None
        known = self.sessions.get(cookie, {"services": []})["services"]
        wanted = (request.issuer.text, request.name_id.text, {index.text for index in request.session_index})
        if any((service, name.text) == wanted[:2] and index in wanted[2] for service, name, index in known):
            del self.sessions[cookie]
        arguments = server.response_args(request, [BINDING_HTTP_REDIRECT])
        response = server.create_logout_response(request, [BINDING_HTTP_REDIRECT], sign=False)
        return location(
            server.apply_binding(
                arguments["binding"],
                str(response),
                arguments["destination"],
                query.get("RelayState", ""),
                response=True,
                sign=True,
            )
        )

    def logged_out(self, query):
        """What a service provider says to a LogoutRequest of ours."""
        server = self.server()
        response = server.parse_logout_request_response(query["SAMLResponse"], BINDING_HTTP_REDIRECT).response
        signed = self.is_signed(server, query, "SAMLResponse", response.issuer.text)
        return f"logged out: {response.status.status_code.value}; signed: {signed}"

    @staticmethod
    def is_signed(server, query, parameter, issuer):
        message = {name: query[name] for name in (parameter, "RelayState", "SigAlg", "Signature") if name in query}
        certificates = server.metadata.certs(issuer, "any", "signing")
        return "Signature" in message and any(
            verify_redirect_signature(dict(message), server.sec.sec_backend, certificate) for _, certificate in certificates
        )


def location(info):
    return dict(info["headers"])["Location"]


def handler(provider):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            address = urllib.parse.urlsplit(self.path)
            query = dict(urllib.parse.parse_qsl(address.query))
            if address.path == "/metadata":
                self.say(str(entity_descriptor(provider.config())), kind="application/samlmetadata+xml")
            elif address.path == "/sso":
                self.sign_on(query, BINDING_HTTP_REDIRECT)
            elif address.path == "/slo" and "SAMLRequest" in query:
                back = provider.log_out(query, self.cookie())
                self.go(back) if back else self.say("a LogoutRequest must be signed", status=403)
            elif address.path == "/slo":
                self.say(provider.logged_out(query))
            elif address.path == "/logout":
                session = provider.sessions.pop(self.cookie(), None)
                self.go(provider.ask_to_log_out(*session["services"][-1])) if session else self.say("nobody is here")
            else:
                self.say("nothing here", status=404)

        def do_POST(self):
            length = int(self.headers.get("Content-Length", "0"))
            fields = dict(urllib.parse.parse_qsl(self.rfile.read(length).decode("ascii"), keep_blank_values=True))
            if self.path == "/sso":
                self.sign_on(fields, BINDING_HTTP_POST)
            elif self.path != "/login":
                self.say("nothing here", status=404)
            elif PEOPLE.get(fields["username"]) != fields["password"]:
                self.ask(fields["SAMLRequest"], fields["RelayState"], fields["binding"], status=403)
            else:
                cookie = secrets.token_hex(16)
                session = provider.sessions[cookie] = {"user": fields["username"], "services": []}
                page = provider.answer(session, fields["SAMLRequest"], fields["binding"], fields["RelayState"])
                self.say(page, headers={"Set-Cookie": f"ProviderSession={cookie}; Path=/; HttpOnly"})

        def sign_on(self, fields, binding):
            session = provider.sessions.get(self.cookie())
            message, relay_state = fields["SAMLRequest"], fields.get("RelayState", "")
            if session:
                self.say(provider.answer(session, message, binding, relay_state))
            else:
                self.ask(message, relay_state, binding)

        def ask(self, message, relay_state, binding, status=200):
            values = {"request": message, "relay_state": relay_state, "binding": binding}
            self.say(FORM.format(**{name: html.escape(value) for name, value in values.items()}), status)

        def cookie(self):
            pairs = (part.strip().partition("=") for part in self.headers.get("Cookie", "").split(";"))
            return next((value for name, _, value in pairs if name == "ProviderSession"), "")

        def go(self, where):
            self.say("", status=303, headers={"Location": where})

        def say(self, text, status=200, kind="text/html; charset=utf-8", headers=None):
            body = text.encode("utf-8")
            self.send_response(status)
            for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **(headers or {})}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

    return Handler


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--folder", type=pathlib.Path, required=True)
    arguments.add_argument("--port", type=int, required=True)
    arguments.add_argument("--xmlsec1", default="/usr/bin/xmlsec1")
    given = arguments.parse_args()
    provider = Provider(given.folder, f"http://127.0.0.1:{given.port}", given.xmlsec1)
    http.server.ThreadingHTTPServer(("127.0.0.1", given.port), handler(provider)).serve_forever()


if __name__ == "__main__":
    main()
