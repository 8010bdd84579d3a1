"""How browsers are started and how large their windows are."""

from __future__ import annotations

WINDOW = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
LAUNCH = ("--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader")
"""Maps are drawn without a graphics card."""


def camera_rests(page, name: str, before: str | None = None) -> str:
    """Wait until the camera, behind `#` in the address under a name, is another than before and rests; return it."""
    seen = page.wait_for_function(
        """([name, before]) => {
            const now = new URLSearchParams(location.hash.slice(1)).get(name)
            if (window.cameraSeen?.now !== now) window.cameraSeen = { now, since: performance.now() }
            return now && now !== before && performance.now() - window.cameraSeen.since > 600 && now
        }""",
        arg=[name, before],
    )
    return str(seen.json_value())


def settled(page) -> None:
    """Wait until a page shows its heading, and nothing that one can see is still on its way."""
    page.wait_for_function(
        """() => document.querySelector("main h1") && [...document.querySelectorAll(".turn")].every((one) => {
            const box = one.getBoundingClientRect()
            return !box.width || box.bottom < 0 || box.top > innerHeight
        })"""
    )
