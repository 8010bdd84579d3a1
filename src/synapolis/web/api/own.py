"""One's own account: passkeys, password, sessions and tokens; and the way in by an OpenID provider."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, Field
from starlette.responses import RedirectResponse

from synapolis.records.tables_accounts import Account, Passkey, Session, Token
from synapolis.web.api.me import Looks, MeOut, Own, session_secret, set_cookie, signed_in
from synapolis.web.errors import Problem
from synapolis.web.replies import KEPT
from synapolis.web.security import passkeys
from synapolis.web.security.limits import address_of
from synapolis.web.security.oidc import OidcError
from synapolis.web.security.passkeys import Place
from synapolis.web.security.principal import Role
from synapolis.web.security.providers import Provider
from synapolis.web.security.signing import change_password, relying_party
from synapolis.web.security.state import Security, SecurityDep
from synapolis.web.security.vouched import account_of

router = APIRouter(tags=["me"])
Title = Annotated[str, Field(min_length=1, max_length=64, pattern=r"\S"), KEPT]
Id = Annotated[str, Path(max_length=1400, pattern=r"^[A-Za-z0-9_-]+$")]
OIDC_COOKIE = "synapolis_oidc"


class Asked(BaseModel):
    """What a browser hands to its authenticator, and the name by which to answer."""

    id: str
    public_key: dict[str, Any]


class PasskeyAnswer(BaseModel):
    """What the authenticator answered, as `PublicKeyCredential.toJSON()` spells it."""

    id: str = Field(max_length=100)
    credential: dict[str, Any]


class PasskeyMade(PasskeyAnswer):
    """The same, with a name by which its owner knows it."""

    name: Title


class PasskeyOut(BaseModel):
    """A passkey; its secret never left its owner."""

    id: str
    name: str
    created: str
    used: str | None

    @classmethod
    def of(cls, row: Passkey) -> PasskeyOut:
        """As others may see it."""
        return cls(id=row.id, name=row.name, created=row.created, used=row.used)


class PasskeysOut(BaseModel):
    """Passkeys, the oldest first."""

    items: list[PasskeyOut]
    next: None = None


class SessionOut(BaseModel):
    """A browser that is signed in."""

    id: str
    way: str
    device: str
    created: str
    seen: str
    this: bool

    @classmethod
    def of(cls, row: Session, this: str | None) -> SessionOut:
        """As its owner may see it."""
        return cls(
            id=row.id, way=row.way, device=row.device, created=row.created, seen=row.seen, this=row.id == this
        )  # fmt: skip


class SessionsOut(BaseModel):
    """Sessions, the last used first."""

    items: list[SessionOut]
    next: None = None


class TokenIn(BaseModel):
    """A token to be made: a name, roles among one's own, and for how many days."""

    name: Title
    roles: list[Role] = Field(min_length=1, max_length=6)
    days: int = Field(90, ge=1, le=366)


class TokenOut(BaseModel):
    """A token of a program. `secret` is told once, when it is made."""

    id: str
    name: str
    roles: list[Role]
    created: str
    expires: str
    secret: str | None = None

    @classmethod
    def of(cls, row: Token, secret: str | None = None) -> TokenOut:
        """As its owner may see it."""
        return cls.model_validate(
            {"id": row.id, "name": row.name, "roles": list(row.roles), "created": row.created, "expires": row.expires,
             "secret": secret}
        )  # fmt: skip


class TokensOut(BaseModel):
    """Tokens, the newest first."""

    items: list[TokenOut]
    next: None = None


class PasswordChange(BaseModel):
    """The password until now (null where there was none), and the new one."""

    old: str | None = Field(None, max_length=1000)
    new: str = Field(max_length=1000)


@router.post("/passkeys/register/options")
def register_options(request: Request, who: Own, security: SecurityDep) -> Asked:
    """What to hand to the authenticator, to make a passkey for one's own account."""
    name, options = passkeys.ask_to_register(security, _me(security, who), _place(request, security))
    return Asked(id=name, public_key=options)


@router.post("/passkeys/register/verify", status_code=201)
def register_verify(body: PasskeyMade, request: Request, who: Own, security: SecurityDep) -> PasskeyOut:
    """Keep the passkey that the authenticator made."""
    row = passkeys.register(
        security, _me(security, who), _place(request, security), asked=body.id, credential=body.credential,
        name=body.name,
    )  # fmt: skip
    return PasskeyOut.of(row)


@router.post("/passkeys/authenticate/options", dependencies=[Looks])
def authenticate_options(request: Request, security: SecurityDep) -> Asked:
    """What to hand to the authenticator, to sign in by any passkey of this server."""
    name, options = passkeys.ask_to_sign_in(security, _place(request, security))
    return Asked(id=name, public_key=options)


@router.post("/passkeys/authenticate/verify", dependencies=[Looks])
def authenticate_verify(body: PasskeyAnswer, request: Request, response: Response, security: SecurityDep) -> MeOut:
    """Sign in by a passkey; the reply sets the session's cookie."""
    begun = passkeys.sign_in(
        security, _place(request, security), asked=body.id, credential=body.credential,
        device=request.headers.get("user-agent", ""), instead_of=session_secret(request, security),
    )  # fmt: skip
    return signed_in(begun, request, response, security)


@router.get("/passkeys")
def list_passkeys(who: Own, security: SecurityDep) -> PasskeysOut:
    """One's own passkeys."""
    return PasskeysOut(items=[PasskeyOut.of(row) for row in passkeys.of(security, _me(security, who))])


@router.delete("/passkeys/{passkey}", status_code=204)
def remove_passkey(passkey: Id, who: Own, security: SecurityDep) -> None:
    """Remove a passkey; whoever is signed in by it stays so."""
    passkeys.remove(security, _me(security, who), passkey)


@router.put("/password", status_code=204)
def set_password(body: PasswordChange, request: Request, who: Own, security: SecurityDep) -> None:
    """Change one's password; every other session ends."""
    change_password(
        security, _me(security, who), old=body.old, new=body.new, address=address_of(request.scope),
        keep_session=who.session_id,
    )  # fmt: skip


@router.get("/sessions")
def list_sessions(who: Own, security: SecurityDep) -> SessionsOut:
    """Browsers in which one is signed in."""
    rows = security.sessions.of(who.account_id or "")
    return SessionsOut(items=[SessionOut.of(row, who.session_id) for row in rows])


@router.delete("/sessions/{session}", status_code=204)
def end_session(session: Id, who: Own, security: SecurityDep) -> None:
    """Sign out of one browser, from anywhere."""
    security.sessions.end(who, session)


@router.get("/tokens")
def list_tokens(who: Own, security: SecurityDep) -> TokensOut:
    """One's own tokens; their secrets are kept nowhere."""
    return TokensOut(items=[TokenOut.of(row) for row in security.sessions.tokens_of(who.account_id or "")])


@router.post("/tokens", status_code=201)
def add_token(body: TokenIn, response: Response, who: Own, security: SecurityDep) -> TokenOut:
    """Make a token for a program. Its secret is in this reply and never told again."""
    response.headers["cache-control"] = "no-store"
    account = _me(security, who)
    secret, row = security.sessions.add_token(account, body.name, body.roles, body.days, by=who.actor)
    return TokenOut.of(row, secret)


@router.delete("/tokens/{token}", status_code=204)
def remove_token(token: Id, who: Own, security: SecurityDep) -> None:
    """Remove a token: the program that has it is out at once."""
    security.sessions.remove_token(_me(security, who), token, by=who.actor)


@router.get("/oidc/{provider}/start", dependencies=[Looks], status_code=303, response_class=RedirectResponse)
def oidc_start(
    provider: Id, request: Request, security: SecurityDep, to: Annotated[str, Query(max_length=500)] = "/account"
) -> Response:
    """Send the browser to an OpenID provider; it comes back signed in, to the page `to`."""
    chosen = _provider(security, provider)
    page = to if to.startswith("/") and not to.startswith(("//", "/\\")) and to.isprintable() else "/account"
    try:
        address, secret = security.providers.begin(chosen, redirect=_redirect(request, security, chosen), page=page)
    except OidcError as error:
        return _refused(security, chosen, error)
    reply = RedirectResponse(address, 303, headers={"cache-control": "no-store"})
    secure = security.settings.secure
    reply.set_cookie(  # Lax: it must come along when the provider sends the browser back
        OIDC_COOKIE, secret, max_age=600, path=_oidc_path(chosen), secure=secure, httponly=True, samesite="lax"
    )
    return reply


@router.get("/oidc/{provider}/callback", dependencies=[Looks], status_code=303, response_class=RedirectResponse)
def oidc_callback(provider: Id, request: Request, security: SecurityDep) -> Response:
    """Where a provider sends the browser back: signs in, or says on /account why not."""
    chosen = _provider(security, provider)
    try:
        person, asked = security.providers.end(chosen, dict(request.query_params), request.cookies.get(OIDC_COOKIE, ""))
        account = account_of(security, chosen, person)
        device = request.headers.get("user-agent", "")
        begun = security.sessions.begin(account, chosen.id, device, instead_of=session_secret(request, security))
    except OidcError as error:
        return _refused(security, chosen, error)
    reply = RedirectResponse(asked.page, 303)
    set_cookie(reply, begun, security)
    reply.delete_cookie(OIDC_COOKIE, path=_oidc_path(chosen))
    return reply


def _me(security: Security, who: Own) -> Account:
    return security.accounts.get(who.account_id or "")


def _origin(request: Request, security: Security) -> str:
    scheme = "https" if security.settings.secure else request.url.scheme
    return f"{scheme}://{request.headers.get('host', '')}".casefold()


def _place(request: Request, security: Security) -> Place:
    party = relying_party(request.headers.get("host", ""))
    if party is None:
        raise Problem(409, "passkeys are bound to a name, and this server is called by an address; use its name")
    return Place(party, _origin(request, security))


def _provider(security: Security, provider_id: str) -> Provider:
    found = security.providers.get(provider_id)
    if found is None:
        raise Problem(404, f"no OpenID provider is called {provider_id[:60]!r} here; GET /api/v1/me lists them")
    return found


def _oidc_path(provider: Provider) -> str:
    return f"/api/v1/oidc/{provider.id}"


def _redirect(request: Request, security: Security, provider: Provider) -> str:
    return f"{_origin(request, security)}{_oidc_path(provider)}/callback"


def _refused(security: Security, provider: Provider, error: OidcError) -> Response:
    security.journal.append("sign-in refused", "visitor", {"way": provider.id, "reason": str(error)})
    return RedirectResponse(f"/account?refused={error.code}", 303, headers={"cache-control": "no-store"})
