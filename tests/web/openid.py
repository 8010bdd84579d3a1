"""A tiny OpenID provider on the loopback, for the tests: honest unless a test makes it lie."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

KEYS = {name: RSAKey.generate_key(2048, {"kid": name}) for name in ("kept", "strange")}


class OpenId:
    """What the provider knows; `lie` changes claims, `sign` chooses key and algorithm, `about` its description."""

    def __init__(self, port: int) -> None:
        self.issuer = f"http://127.0.0.1:{port}"
        self.person: dict[str, Any] = {"sub": "42", "preferred_username": "Ada L"}
        self.userinfo: dict[str, Any] = {}
        self.lie: dict[str, Any] = {}
        self.about: dict[str, Any] = {}
        self.key, self.algorithm = "kept", "RS256"
        self.secret = "s3cret"
        self.codes: dict[str, dict[str, str]] = {}
        self.came: list[str] = []

    def approve(self, address: str) -> dict[str, str]:
        """The person signs in at the address that they were sent to; returns what comes back with the browser."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        code = f"code{len(self.codes)}"
        self.codes[code] = asked
        return {"code": code, "state": asked["state"], "iss": self.issuer}

    def token(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        asked = self.codes.pop(form["code"], None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).rstrip(b"=")
        basic = "Basic " + base64.b64encode(f"synapolis:{self.secret}".encode()).decode()
        if asked is None or challenge.decode() != asked["code_challenge"] or authorization != basic:
            return 400, {"error": "invalid_grant"}
        if form["redirect_uri"] != asked["redirect_uri"]:
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": "synapolis", "exp": now + 300, "iat": now, "nonce": asked["nonce"]}
        claims = {name: value for name, value in (claims | self.person | self.lie).items() if value is not None}
        header = {"alg": self.algorithm, "kid": "kept"}
        if self.algorithm == "none":
            parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, claims)]
            signed = b".".join([*parts, b""]).decode()
        elif self.algorithm == "HS256":  # the public key taken for a shared secret
            from joserfc.jwk import OctKey  # noqa: PLC0415

            signed = jwt.encode(header, claims, OctKey.import_key(b"the public key as a secret of 32"), ["HS256"])
        else:
            signed = jwt.encode(header, claims, KEYS[self.key], [self.algorithm])
        return 200, {"access_token": "open sesame", "token_type": "Bearer", "id_token": signed}

    def answer(self, path: str, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        self.came.append(path)
        if path == "/.well-known/openid-configuration":
            ends = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys",
                    "userinfo_endpoint": "userinfo"}  # fmt: skip
            return 200, {"issuer": self.issuer} | {
                key: f"{self.issuer}/{end}" for key, end in ends.items()
            } | self.about
        if path == "/keys":
            return 200, {"keys": [KEYS["kept"].as_dict(private=False)]}
        if path == "/userinfo" and authorization == "Bearer open sesame":
            return 200, {"sub": self.person["sub"]} | self.userinfo
        return self.token(form, authorization) if path == "/token" else (404, {})


@contextmanager
def openid() -> Iterator[OpenId]:
    """Serve one, on a free port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.reply({})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            self.reply({name: values[0] for name, values in parse_qs(body).items()})

        def reply(self, form: dict[str, str]) -> None:
            status, told = provider.answer(urlsplit(self.path).path, form, self.headers.get("authorization", ""))
            body = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider = OpenId(server.server_port)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
