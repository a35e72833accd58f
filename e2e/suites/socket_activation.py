"""A supervisor holds the listening sockets (`LISTEN_FDS`): whoever connects while
nobody runs waits in them, and is served by the next start."""

import fcntl
import socket
import time
import types

from fake_openai import FakeOpenAI
from harness.bench import case, until
from harness.gateway import UPSTREAM_KEY
from harness.hammer import Client
from suites.common import config
from suites.handover import demo, is_in_the_ledger_once

# systemd's: the first descriptor is 3, and the process is named.
START = (
    'exec 3<&{clients} 4<&{operators}; export LISTEN_PID=$$ LISTEN_FDS=2 LISTEN_FDNAMES=clients:admin; exec "$@"'
)


def held() -> socket.socket:
    """A listening socket, its descriptor beyond those that are handed on."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as bound:
        return socket.socket(fileno=fcntl.fcntl(bound.fileno(), fcntl.F_DUPFD, 10))


def scene(bench):
    fake = bench.enter(FakeOpenAI(UPSTREAM_KEY))
    clients, operators = bench.enter(held()), bench.enter(held())
    gateway = bench.unstarted(config(fake.base_url, "drain_timeout: 5s\n"))
    gateway.port, gateway.admin_port = (s.getsockname()[1] for s in (clients, operators))
    gateway.kept_open = (clients.fileno(), operators.fileno())
    start = START.format(clients=clients.fileno(), operators=operators.fileno())
    gateway.launcher = ["bash", "-c", start, "supervisor"]
    return types.SimpleNamespace(gateway=gateway)


def serve(w) -> None:
    w.gateway.spawn()
    until(w.gateway.is_ready, 20, "the gateway answers /readyz")


def connected(w) -> Client:
    client = Client(w.gateway.port)
    begun = time.monotonic()
    client.connect()
    assert time.monotonic() - begun < 0.5, "whoever connects is held off"
    return client


def answered(client: Client) -> str:
    status, headers, body = client.ask(demo())
    assert status == 200, body
    return headers["x-request-id"]


@case
def who_connects_across_a_restart_is_served_by_the_next_start(w):
    serve(w)
    ids = [answered(connected(w))]
    for _ in range(2):
        assert w.gateway.stop() == 0
        waiting = [connected(w) for _ in range(5)]
        serve(w)
        ids += [answered(client) for client in waiting]
    is_in_the_ledger_once(w, ids)


@case
def so_it_is_behind_a_process_that_took_over(w):
    elder = w.gateway.take_over("--workers", "5")
    ids = [answered(connected(w))]
    assert elder.wait(10) == 0
    assert w.gateway.stop() == 0
    waiting = connected(w)
    serve(w)
    is_in_the_ledger_once(w, [*ids, answered(waiting), answered(connected(w))])
