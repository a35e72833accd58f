#!/usr/bin/env python3
"""What a request costs: CPU time in the gateway, beside nginx in the same run.

    cargo build --release && python3 e2e/cost.py [--rounds 8] [--seconds 2]

Needs nginx and wrk (Debian packages). Gateway and nginx get one core, load and
upstream another; rounds are interleaved. CPU time is quoted as the least and
the median over rounds, because machines are noisy.
"""

import argparse
import contextlib
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.dont_write_bytecode = True

ANSWER = (
    '{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,'
    '"message":{"role":"assistant","content":"' + "word " * 100 + '"},"finish_reason":"stop"}],'
    '"usage":{"prompt_tokens":400,"completion_tokens":100,"total_tokens":500}}'
)

NGINX = """
worker_processes 1; daemon off; pid {folder}/{name}.pid; error_log {folder}/{name}.error;
events {{ worker_connections 1024; }}
http {{
  access_log {log}; client_body_temp_path {folder}/{name}-body; proxy_temp_path {folder}/{name}-proxy;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  client_body_buffer_size 512k; keepalive_requests 100000000;
  {rest}
}}
"""
UPSTREAM = """server {{ listen 127.0.0.1:{upstream};
  location / {{ default_type application/json; return 200 '{answer}'; }} }}"""
PROXY = """upstream u {{ server 127.0.0.1:{upstream}; keepalive 64; keepalive_requests 100000000; }}
  server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://u; proxy_http_version 1.1;
  proxy_set_header Connection ""; proxy_buffering off; }} }}"""
CONFIG = """
workers: 1
log: {{level: "{level}"}}
providers:
  fake: {{base_url: "http://127.0.0.1:{upstream}/v1", models: [m]}}
keys:
  - {{name: bench, key: env:BENCH_KEY, limits: {{requests_per_minute: 100000000, tokens_per_minute: 100000000000, parallel_requests: 1000}}}}
"""
LUA = """
wrk.method = "POST"
wrk.body = '{{"model":"m","messages":[{{"role":"user","content":"' .. string.rep("word ", 400) .. '"}}],"max_tokens":100}}'
wrk.headers["content-type"] = "application/json"
wrk.headers["authorization"] = "Bearer {key}"
"""
KEY = "sk-bench-0123456789abcdefghijkl"


def cpu(pid: int) -> float:
    """Seconds on a CPU so far, of all threads."""
    total = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):
            total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


def children(pid: int) -> list:
    text = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in text.split()]


class Machine:
    """Everything that runs, on its core."""

    def __init__(self, folder: pathlib.Path, binary: pathlib.Path):
        from harness.gateway import free_port

        self.folder, self.running = folder, []
        self.ports = {name: free_port() for name in ("upstream", "nginx", "nginx-log", "portcullis", "portcullis-log")}
        upstream = UPSTREAM.format(upstream=self.ports["upstream"], answer=ANSWER)
        self.nginx("upstream", upstream, "off", core=1)
        self.pids = {}
        for name, log in (("nginx", "off"), ("nginx-log", f"{folder}/access.log")):
            rest = PROXY.format(upstream=self.ports["upstream"], port=self.ports[name])
            self.pids[name] = self.nginx(name, rest, log, core=0)
        for name, level in (("portcullis", "warn"), ("portcullis-log", "info")):
            self.pids[name] = self.portcullis(name, binary, level)
        (folder / "load.lua").write_text(LUA.format(key=KEY))

    def start(self, command: list, core: int, **more) -> int:
        log = (self.folder / f"{len(self.running)}.log").open("wb")
        command = ["taskset", "-c", str(core), *map(str, command)]
        process = subprocess.Popen(command, stdout=log, stderr=log, **more)
        self.running.append(process)
        return process.pid

    def nginx(self, name: str, rest: str, log: str, core: int) -> int:
        file = self.folder / f"{name}.conf"
        file.write_text(NGINX.format(folder=self.folder, name=name, log=log, rest=rest))
        return self.start(["nginx", "-c", file], core)

    def portcullis(self, name: str, binary: pathlib.Path, level: str) -> int:
        file = self.folder / f"{name}.yaml"
        file.write_text(CONFIG.format(upstream=self.ports["upstream"], level=level))
        where = ["--listen", f"127.0.0.1:{self.ports[name]}", "--admin-listen", "127.0.0.1:0"]
        command = [binary, "--config", file, "--data-dir", self.folder / name, *where]
        return self.start(command, 0, env=os.environ | {"BENCH_KEY": KEY})

    def burst(self, name: str, seconds: float) -> tuple:
        """Microseconds of CPU a request, and requests a second."""
        pids = [self.pids[name], *children(self.pids[name])]
        before = sum(map(cpu, pids))
        url = f"http://127.0.0.1:{self.ports[name]}/v1/chat/completions"
        command = ["taskset", "-c", "1", "wrk", "-t1", "-c32", f"-d{seconds}s", "-s", self.folder / "load.lua", url]
        said = subprocess.run([str(c) for c in command], capture_output=True, text=True, check=True).stdout
        if "Non-2xx" in said:
            sys.exit(f"{name} refuses:\n{said}")
        count = int(re.search(r"(\d+) requests in", said)[1])
        return (sum(map(cpu, pids)) - before) / count * 1e6, count / seconds

    def stop(self) -> None:
        for process in self.running:
            process.terminate()
        for process in self.running:
            process.wait(10)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--binary", type=pathlib.Path, default=HERE.parent / "target/release/portcullis")
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--seconds", type=int, default=2)
    options = parser.parse_args()

    from harness import install

    install.enter_venv(HERE)
    import time

    with tempfile.TemporaryDirectory() as folder:
        machine = Machine(pathlib.Path(folder), options.binary.resolve())
        try:
            time.sleep(1)
            results = {name: [] for name in machine.pids}
            for _ in range(options.rounds):
                for name in results:
                    results[name].append(machine.burst(name, options.seconds))
        finally:
            machine.stop()
    print(f"{'':16}{'CPU µs a request: least':>26}{'median':>9}{'requests/s: median':>21}")
    for name, bursts in results.items():
        costs, rates = [c for c, _ in bursts], [r for _, r in bursts]
        print(f"{name:16}{min(costs):26.1f}{statistics.median(costs):9.1f}{statistics.median(rates):21.0f}")


if __name__ == "__main__":
    main()
