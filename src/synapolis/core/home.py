"""Where this machine keeps what Synapolis keeps: the workspace's folder."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs


def home() -> Path:
    """SYNAPOLIS_HOME, or the user's data folder."""
    return Path(os.environ.get("SYNAPOLIS_HOME") or platformdirs.user_data_dir("synapolis"))
