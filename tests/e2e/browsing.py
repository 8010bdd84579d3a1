"""How browsers are started and how large their windows are."""

from __future__ import annotations

WINDOW = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
LAUNCH = ("--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader")
"""Maps are drawn without a graphics card."""
