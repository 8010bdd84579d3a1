"""Accounts and roles, for administrators."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import BaseModel, Field

from synapolis.records.tables_accounts import Account as AccountRow
from synapolis.web.depends import Needs
from synapolis.web.replies import Cursor, Limit, cursor_of, entity, place_of
from synapolis.web.security.principal import Role, Who
from synapolis.web.security.state import SecurityDep

router = APIRouter(tags=["accounts"])
Admin = Annotated[Who, Depends(Needs("administer"))]
Roles = Annotated[list[Role], Field(min_length=1, max_length=6)]
Id = Annotated[str, Path(max_length=100, pattern=r"^[A-Za-z0-9_-]+$")]


class AccountOut(BaseModel):
    """An account, as administrators see it."""

    id: str
    name: str
    roles: list[Role]
    disabled: bool
    created: str

    @classmethod
    def of(cls, row: AccountRow) -> AccountOut:
        """Without what it signs in by."""
        return cls.model_validate(
            {"id": row.id, "name": row.name, "roles": list(row.roles), "disabled": row.disabled, "created": row.created}
        )


class AccountsOut(BaseModel):
    """Accounts, by name."""

    items: list[AccountOut]
    next: str | None


class AccountIn(BaseModel):
    """An account to be added; its owner changes the password when they first sign in."""

    name: str = Field(max_length=200)
    roles: Roles
    password: str = Field(max_length=1000)


class AccountChange(BaseModel):
    """What shall change; what is left out stays."""

    roles: Roles | None = None
    disabled: bool | None = None
    password: str | None = Field(None, max_length=1000)


@router.get("/accounts", response_model=AccountsOut, dependencies=[Depends(Needs("administer"))])
def list_accounts(request: Request, security: SecurityDep, limit: Limit = 100, cursor: Cursor = None) -> Response:
    """List every account."""
    begin = place_of(cursor) or 0
    rows = security.accounts.all()
    end = begin + limit
    items = [AccountOut.of(row) for row in rows[begin:end]]
    return entity(request, AccountsOut(items=items, next=cursor_of(end) if end < len(rows) else None))


@router.post("/accounts", status_code=201)
def add_account(body: AccountIn, who: Admin, security: SecurityDep) -> AccountOut:
    """Add an account."""
    return AccountOut.of(security.accounts.add(body.name, body.roles, by=who.actor, password=body.password))


@router.patch("/accounts/{account}")
def change_account(account: Id, body: AccountChange, who: Admin, security: SecurityDep) -> AccountOut:
    """Give other roles, disable or enable, or set a new password; the last administrator stays one."""
    if body.password is not None:
        security.accounts.set_password(account, body.password, by=who.actor)
    row = security.accounts.change(account, by=who.actor, roles=body.roles, disabled=body.disabled)
    security.sessions.forget()
    return AccountOut.of(row)


@router.delete("/accounts/{account}", status_code=204)
def remove_account(account: Id, who: Admin, security: SecurityDep) -> None:
    """Remove an account; what it did stays in the journal under its name."""
    security.accounts.remove(account, by=who.actor)
    security.sessions.forget()
