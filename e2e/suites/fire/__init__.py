"""Under fire: clients and upstreams that lie, drip, flood, vanish and bomb.

Each file is one drill. Its short form runs with the tests; with
`PORTCULLIS_DRILL=long` it is run as promised, and prints a line `drill: …` that
`cargo xtask drill` writes down. `PORTCULLIS_DRILL_PARTS` chooses files.
"""

import importlib
import os

from suites.fire.world import World

NAMES = [
    "smuggling",
    "http2",
    "upstreams",
    "goaway",
    "dialects",
    "disconnects",
    "leaving",
    "killed",
    "secrets",
    "bombs",
    "slow",
    "overload",
]
WANTED = os.environ.get("PORTCULLIS_DRILL_PARTS", "").split() or NAMES
PARTS = [importlib.import_module(f"suites.fire.{name}") for name in WANTED]


def scene(bench):
    return World(bench)
