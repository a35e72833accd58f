"""What each script of this folder needs: where the gateway is, and a runner."""

import os
import sys
import traceback

ORIGIN, KEY = os.environ["BASE_URL"], os.environ["KEY"]
BASE_URL = f"{ORIGIN}/v1"
# Of servers of OpenAI's dialect, Anthropic's, Gemini's (both), Bedrock's, Ollama's.
MODELS = ("fake-large", "c", "gemini-2.5-flash", "gemini-3-flash", "nova", "gemma4")
THINKERS = ("claude-haiku-4-5", "gemini-2.5-flash", "gemini-3-flash")


def try_each(ways: dict, cases: dict, models=MODELS) -> None:
    """Runs every case over every API with every model; a line for each case and API."""
    failed = 0
    for name, function in cases.items():
        for way, make in ways.items():
            try:
                for model in models:
                    function(make(model), model)
                print(f"ok {name}, by {way}", flush=True)
            except Exception:
                failed += 1
                print(f"not ok {name}, by {way}, {model}\n{traceback.format_exc(limit=-6)}", flush=True)
    if failed:
        sys.exit(1)
