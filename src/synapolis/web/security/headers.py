"""What every reply says to browsers: where scripts may come from, and what they may do."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; "
    "worker-src 'self' blob:; connect-src 'self'; object-src 'none'; base-uri 'self'; form-action 'self'; "
    "frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": (
        "camera=(), microphone=(), payment=(), usb=(), geolocation=(self), "
        "publickey-credentials-get=(self), publickey-credentials-create=(self)"
    ),
}
"""Said by every reply that does not say otherwise itself: a report with its own styles has a policy of its own."""
FOR_A_YEAR = "max-age=31536000"


class Headers:
    """Middleware that adds them."""

    def __init__(self, app: ASGIApp, *, secure: bool) -> None:
        self.app = app
        said = HEADERS | ({"strict-transport-security": FOR_A_YEAR} if secure else {})
        self._files = [(name.encode(), value.encode()) for name, value in said.items()]
        self._api = [*self._files, (b"cache-control", b"private, no-cache")]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and add to the beginning of the reply."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        more = self._api if scope["path"].startswith("/api/") else self._files

        async def add(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", ()))
                said = {name for name, _ in headers}
                message = {**message, "headers": headers + [one for one in more if one[0] not in said]}
            await send(message)

        await self.app(scope, receive, add)
