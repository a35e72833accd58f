#!/usr/bin/env python3
"""llama.cpp's own server with a small real model, SmolLM2-135M: no key, no GPU.

    python3 e2e/llama.py [--port 8080]

The first run installs what it needs into e2e/.venv and e2e/.cache.
"""

import argparse
import pathlib
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.dont_write_bytecode = True


def serve(weights: pathlib.Path, port: int):
    """Starts the server in this process; it lives as long as what is returned."""
    import xllamacpp

    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(weights)
    parameters.n_ctx = 2048
    parameters.n_parallel = 1
    # One thread: two of them spin against each other on a busy machine.
    parameters.cpuparams.n_threads = 1
    parameters.cpuparams_batch.n_threads = 1
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = port
    return xllamacpp.Server(parameters)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--port", type=int, default=8080)
    port = parser.parse_args().port

    from harness import install

    install.enter_venv(HERE)
    weights = install.weights(HERE)
    server = serve(weights, port)
    print(f"SmolLM2 answers on http://127.0.0.1:{port}/v1 until you press Ctrl-C", flush=True)
    try:
        while server:
            time.sleep(3600)
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
