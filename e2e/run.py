#!/usr/bin/env python3
"""Runs the built gateway end to end: official SDKs, a real model, the commands.

    python3 e2e/run.py --binary target/debug/portcullis [--only SUITE] [--keep]

The first run installs what the suites need into e2e/.venv, e2e/node_modules
and e2e/.cache; later runs reuse it. Needs python3 (3.11 or newer) with venv,
and node (20 or newer) with npm.
"""

import argparse
import os
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.dont_write_bytecode = True

SUITES = [
    "first_run",
    "sdk_python",
    "sdk_javascript",
    "sdk_openai_javascript",
    "sdk_anthropic",
    "sdk_gemini",
    "sdk_gemini_javascript",
    "sdk_anthropic_javascript",
    "ai_sdk",
    "moves",
    "matrix",
    "bedrock",
    "clouds",
    "quirks",
    "natives",
    "agents",
    "agents_everywhere",
    "frameworks",
    "sdk_responses",
    "background",
    "lossless",
    "pass_through",
    "policies",
    "own_documents",
    "tenants",
    "budgets",
    "credentials",
    "lifecycle",
    "handover",
    "handover_tls",
    "socket_activation",
    "upgrades",
    "outages",
    "backups",
    "postgres",
    "ledger",
    "audit",
    "tls",
    "fire",
    "commands",
    "real_model",
    "readme",
]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--binary", required=True, type=pathlib.Path, help="the built portcullis")
    parser.add_argument("--only", action="append", choices=SUITES, help="run this suite; may be repeated")
    parser.add_argument("--keep", action="store_true", help="keep the data folders and logs")
    return parser.parse_args()


def main() -> int:
    options = arguments()
    binary = options.binary.resolve()
    if not os.access(binary, os.X_OK):
        sys.exit(f"{options.binary} is no program; build it with: cargo build -p portcullis")
    wanted = options.only or SUITES

    from harness import install

    # Everything below runs in the virtual environment, SDKs and suites alike.
    install.enter_venv(HERE)
    install.prepare(HERE, wanted)

    from harness import bench

    return bench.run(binary, HERE, wanted, keep=options.keep)


if __name__ == "__main__":
    sys.exit(main())
