"""Who am I: signing in and out, and what an account has to sign in by."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field

from synapolis.web.depends import Needs, WhoDep
from synapolis.web.errors import Problem
from synapolis.web.security.gate import cookie_name
from synapolis.web.security.limits import address_of
from synapolis.web.security.principal import Mode, Role, Who
from synapolis.web.security.sessions import LONGEST, Begun
from synapolis.web.security.signing import relying_party, sign_in_by_password
from synapolis.web.security.state import Security, SecurityDep

router = APIRouter(tags=["me"])
Looks = Depends(Needs("look"))
Own = Annotated[Who, Depends(Needs("own"))]


class AccountName(BaseModel):
    """An account, as others may see it."""

    id: str
    name: str


class ProviderOut(BaseModel):
    """An OpenID provider to sign in with: a link to /api/v1/oidc/{id}/start."""

    id: str
    title: str


class SignInWays(BaseModel):
    """Ways to sign in that this server offers at this address."""

    password: bool
    passkey: bool
    oidc: list[ProviderOut]


class MeOut(BaseModel):
    """Who asks, what they may do, and the token that their changes must carry in X-CSRF-Token."""

    account: AccountName | None
    roles: list[Role]
    may: list[str]
    mode: Mode
    csrf: str
    sign_in: SignInWays

    @classmethod
    def of(cls, who: Who, security: Security, host: str) -> MeOut:
        """Me, at a server that is called by this host."""
        account = AccountName(id=who.account_id, name=who.actor) if who.account_id else None
        accounts = who.mode == "accounts"
        providers = [ProviderOut(id=one.id, title=one.title) for one in security.settings.guard.providers]
        ways = SignInWays(
            password=accounts, passkey=accounts and relying_party(host) is not None, oidc=providers if accounts else []
        )
        return cls.model_validate(
            {"account": account, "roles": list(who.roles), "may": who.words, "mode": who.mode, "csrf": who.csrf,
             "sign_in": ways}
        )  # fmt: skip


class SignIn(BaseModel):
    """A name and its password."""

    name: str = Field(max_length=200)
    password: str = Field(max_length=1000)


@router.get("/me", dependencies=[Looks])
async def me(request: Request, response: Response, who: WhoDep, security: SecurityDep) -> MeOut:
    """Who asks, what they may do, and the token for their changes."""
    response.headers["cache-control"] = "no-store"
    return MeOut.of(who, security, request.headers.get("host", ""))


@router.post("/session", dependencies=[Looks])
def sign_in(body: SignIn, request: Request, response: Response, who: WhoDep, security: SecurityDep) -> MeOut:
    """Sign in by name and password; the reply sets the session's cookie."""
    if who.mode == "single":
        raise Problem(409, "there are no accounts here yet; `synapolis account add NAME` makes the first")
    begun = sign_in_by_password(
        security, body.name, body.password, address=address_of(request.scope),
        device=request.headers.get("user-agent", ""), instead_of=session_secret(request, security),
    )  # fmt: skip
    return signed_in(begun, request, response, security)


@router.delete("/session", status_code=204)
def sign_out(response: Response, who: Own, security: SecurityDep) -> None:
    """Sign out: the session ends here, not only in the browser."""
    security.sessions.end(who, who.session_id or "")
    drop_cookie(response, security)


def session_secret(request: Request, security: Security) -> str | None:
    """The session's secret that the browser sent, if any."""
    return request.cookies.get(cookie_name(secure=security.settings.secure))


def set_cookie(response: Response, begun: Begun, security: Security) -> None:
    """Give the browser its session: no script reads it, no other site sends it."""
    secure = security.settings.secure
    response.set_cookie(
        cookie_name(secure=secure), begun.secret, max_age=int(LONGEST.total_seconds()), path="/", secure=secure,
        httponly=True, samesite="strict",
    )  # fmt: skip
    response.headers["cache-control"] = "no-store"


def drop_cookie(response: Response, security: Security) -> None:
    """Let the browser forget its session."""
    secure = security.settings.secure
    response.delete_cookie(cookie_name(secure=secure), path="/", secure=secure, httponly=True, samesite="strict")


def signed_in(begun: Begun, request: Request, response: Response, security: Security) -> MeOut:
    """Reply to whoever just signed in."""
    set_cookie(response, begun, security)
    account, session = begun.account, begun.session
    who = Who(account.name, tuple(account.roles), account.id, way="session", csrf=session.csrf, session_id=session.id)
    return MeOut.of(who, security, request.headers.get("host", ""))
