"""Signing in with an OpenID provider: authorisation code with PKCE, state and nonce; the ID token is verified.

OpenID Connect Core 1.0 (2014, errata 2), RFC 7636 (PKCE), RFC 9207 (issuer in the reply), RFC 9700 (best practice).
Signatures are joserfc's, the challenge is authlib's.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from synapolis.core.errors import SynapolisError
from synapolis.web.security.challenges import Challenges
from synapolis.web.security.names import LOOPBACK
from synapolis.web.security.providers import Provider
from synapolis.web.security.sessions import digest

ANSWERED_WITHIN = 600.0  # [s] to sign in over there
KEPT = 3600.0  # [s] what a provider says of itself
PATIENCE = 10.0  # [s] for one reply of a provider
LEEWAY = 60  # [s] by which clocks may differ
SIGNED_BY = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519", "EdDSA")
"""Signatures by a key that only the provider has: never "none", never a shared secret."""
NEEDED = ("authorization_endpoint", "token_endpoint", "jwks_uri")


class OidcError(SynapolisError):
    """A provider did not vouch for anyone. `code` is for the page, the message for the journal: it names no secret."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class OidcAsked:
    """Someone sent to a provider: what must come back, and to which browser."""

    provider: str
    browser: str
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    redirect: str
    page: str


@dataclass(frozen=True)
class Person:
    """Whom a provider vouches for."""

    subject: str
    name: str
    claims: Mapping[str, Any] = field(repr=False)


class Providers:
    """The providers of one server, and who is on the way to them."""

    def __init__(self, providers: tuple[Provider, ...]) -> None:
        self._providers = {provider.id: provider for provider in providers}
        self._asked: Challenges[OidcAsked] = Challenges(ANSWERED_WITHIN)
        self._said: dict[str, tuple[float, dict[str, Any]]] = {}
        self._lock = threading.Lock()
        self._trust = httpx.create_ssl_context() if providers else True

    def get(self, provider_id: str) -> Provider | None:
        """The provider of an id."""
        return self._providers.get(provider_id)

    def begin(self, provider: Provider, *, redirect: str, page: str) -> tuple[str, str]:
        """Where to send a browser, and the secret that it keeps in a cookie meanwhile.

        Raises
        ------
        OidcError
            Where the provider cannot be reached, or is another than it says.
        """
        about = self._about(provider)
        secret, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        state = self._asked.ask(OidcAsked(provider.id, digest(secret), nonce, verifier, redirect, page))
        asked = {
            "response_type": "code", "client_id": provider.client_id, "redirect_uri": redirect,
            "scope": "openid profile", "state": state, "nonce": nonce,
            "code_challenge": create_s256_code_challenge(verifier), "code_challenge_method": "S256",
        }  # fmt: skip
        address = about["authorization_endpoint"]
        return f"{address}{'&' if urlsplit(address).query else '?'}{urlencode(asked)}", secret

    def end(self, provider: Provider, reply: Mapping[str, str], secret: str) -> tuple[Person, OidcAsked]:
        """Whom the provider vouches for, by the parameters that came back with the browser.

        Raises
        ------
        OidcError
            Where any part does not fit.
        """
        asked = self._asked.take(reply.get("state", ""))
        if asked is None or asked.provider != provider.id:
            raise OidcError("late", "the reply fits no sign-in that is open")
        if not secrets.compare_digest(asked.browser, digest(secret)):
            raise OidcError("browser", "the reply came with another browser than the one that asked")
        if reply.get("iss", provider.issuer).rstrip("/") != provider.issuer:
            raise OidcError("provider", "the reply names another issuer")
        if error := reply.get("error"):
            raise OidcError("declined", f"the provider declined: {error[:60]!r}")
        if not (code := reply.get("code")):
            raise OidcError("provider", "the reply has no code")
        about = self._about(provider)
        granted = self._redeem(provider, about, asked, code)
        claims = self._verified(provider, about, granted.get("id_token"), asked.nonce)
        claims = self._with_claim(provider, about, granted, claims)
        names = (claims.get(name) for name in ("preferred_username", "name", "email"))
        name = next((name for name in names if isinstance(name, str) and name.strip()), "")
        return Person(claims["sub"], name, claims), asked

    def _about(self, provider: Provider) -> dict[str, Any]:
        """What a provider says of itself, kept for an hour."""
        with self._lock:
            until, about = self._said.get(provider.id, (0.0, {}))
        if until > time.monotonic():
            return about
        about = self._call("GET", f"{provider.issuer}/.well-known/openid-configuration", "its description")
        if str(about.get("issuer", "")).rstrip("/") != provider.issuer:
            raise OidcError("provider", "the provider says that it is another issuer than the one configured")
        for name in NEEDED:
            _trusted(about.get(name), name)
        with self._lock:
            self._said[provider.id] = (time.monotonic() + KEPT, about)
        return about

    def _redeem(self, provider: Provider, about: Mapping[str, Any], asked: OidcAsked, code: str) -> dict[str, Any]:
        form = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": asked.redirect,
            "client_id": provider.client_id, "code_verifier": asked.verifier,
        }  # fmt: skip
        auth = None
        if provider.secret:
            ways = about.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
            if "client_secret_basic" in ways:
                auth = httpx.BasicAuth(provider.client_id, provider.secret)
            else:
                form["client_secret"] = provider.secret
        return self._call("POST", about["token_endpoint"], "the token", data=form, auth=auth)

    def _verified(self, provider: Provider, about: dict[str, Any], token: object, nonce: str) -> dict[str, Any]:
        """Claims of an ID token whose signature, issuer, audience, time and nonce are right."""
        if not isinstance(token, str):
            raise OidcError("provider", "the provider gave no ID token")
        keys = self._call("GET", about["jwks_uri"], "its keys")
        try:
            claims = dict(jwt.decode(token, KeySet.import_key_set(keys), algorithms=list(SIGNED_BY)).claims)  # type: ignore[arg-type]
            jwt.JWTClaimsRegistry(
                leeway=LEEWAY,
                iss={"essential": True},
                sub={"essential": True},
                aud={"essential": True, "value": provider.client_id},
                exp={"essential": True},
                iat={"essential": True},
                nonce={"essential": True},
            ).validate(claims)
        except (JoseError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise OidcError("token", f"the ID token does not hold: {type(error).__name__} {error}"[:200]) from None
        if claims["iss"].rstrip("/") != provider.issuer:
            raise OidcError("token", "the ID token is another issuer's")
        if not secrets.compare_digest(str(claims["nonce"]).encode(), nonce.encode()):
            raise OidcError("token", "the ID token answers another sign-in: its nonce differs")
        others = [one for one in claims["aud"] if one != provider.client_id] if isinstance(claims["aud"], list) else []
        if (others or "azp" in claims) and claims.get("azp") != provider.client_id:
            raise OidcError("token", "the ID token was made for another program")
        return claims

    def _with_claim(
        self, provider: Provider, about: Mapping[str, Any], granted: Mapping[str, Any], claims: dict[str, Any]
    ) -> dict[str, Any]:
        """Fetch the claim that gives roles where the token leaves it out."""
        address, access = about.get("userinfo_endpoint"), granted.get("access_token")
        if not provider.claim or provider.claim in claims or not address or not isinstance(access, str):
            return claims
        _trusted(address, "userinfo_endpoint")
        more = self._call("GET", address, "more of the person", headers={"authorization": f"Bearer {access}"})
        if more.get("sub") != claims["sub"]:
            raise OidcError("token", "the provider tells of another person than the ID token does")
        return more | claims

    def _call(self, method: str, address: str, what: str, **more: Any) -> dict[str, Any]:
        """What a provider says at an address; each time anew, so that no cookie of one person goes with another."""
        try:
            reply = httpx.request(method, address, timeout=PATIENCE, verify=self._trust, **more)
        except httpx.HTTPError as error:
            raise OidcError("unreachable", f"the provider cannot be reached: {type(error).__name__}") from None
        return _read(reply, what)


def _trusted(address: object, name: str) -> None:
    parts = urlsplit(address) if isinstance(address, str) else None
    if parts is None or (parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK)):
        raise OidcError("provider", f"the provider's {name} is no https address")


def _read(reply: httpx.Response, what: str) -> dict[str, Any]:
    try:
        found = reply.json() if reply.status_code == 200 else None
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise OidcError("provider", f"the provider did not give {what}: status {reply.status_code}")
    return found
