"""Another process takes over listeners that have a certificate, and brings a
new one."""

import asyncio
import datetime
import os
import shutil
import socket
import ssl
import threading
import types

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from fake_openai import FakeOpenAI
from harness.bench import case, until
from harness.gateway import UPSTREAM_KEY
from harness.hammer import Hammer
from harness.hammer2 import Client
from suites.common import config
from suites.handover import Streams, demo, is_in_the_ledger_once

CLIENTS = int(os.environ.get("PORTCULLIS_DRILL_CLIENTS", "16"))
STREAMS = int(os.environ.get("PORTCULLIS_DRILL_STREAMS", "10"))


def scene(bench):
    folder = bench.folder / "tls"
    shutil.copytree(bench.here / "fixtures" / "tls", folder)
    fresh = folder / "fresh"
    fresh.mkdir()
    certify(fresh)
    # Clients trust the old one and the new one.
    both = folder / "both.pem"
    both.write_text((folder / "ca.pem").read_text() + (fresh / "server.pem").read_text())
    fake = bench.enter(FakeOpenAI(UPSTREAM_KEY))
    fake.server.handle_error = lambda *_: None
    tls = f"tls: {{certificate: {folder}/server.pem, key: {folder}/server.key}}\ndrain_timeout: 10s\n"
    gateway = bench.gateway(config(fake.base_url, more=tls), ca=str(both))
    return types.SimpleNamespace(bench=bench, fake=fake, gateway=gateway, folder=folder)


def certify(folder) -> None:
    """A certificate for `localhost` that signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "the next one")])
    now = datetime.datetime.now(datetime.timezone.utc)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(x509.random_serial_number())
    made = made.not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=1))
    made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    made = made.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    made = made.sign(key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    (folder / "server.pem").write_bytes(made.public_bytes(pem))
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "server.key").write_bytes(key.private_bytes(pem, *plain))


def shown(w) -> bytes:
    """The certificate that a new connection gets."""
    with socket.create_connection(("127.0.0.1", w.gateway.port), timeout=5) as plain:
        with w.gateway.verify.wrap_socket(plain, server_hostname="localhost") as side:
            return side.getpeercert(binary_form=True)


def certificate(path) -> bytes:
    return ssl.PEM_cert_to_DER_cert(path.read_text())


class OfHttp2:
    """Clients of HTTP/2 on a loop of their own, until the block is over."""

    def __init__(self, w, count: int):
        self.clients = [Client(w.gateway, "demo") for _ in range(count)]
        self.thread = threading.Thread(target=lambda: asyncio.run(self.run()))

    async def run(self) -> None:
        await asyncio.gather(*(client.run() for client in self.clients))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        for client in self.clients:
            client.is_over = True
        self.thread.join()

    @property
    def answered(self) -> list:
        return [id for client in self.clients for id in client.answered]

    @property
    def lost(self) -> list:
        return [what for client in self.clients for what in client.lost]


@case
def an_heir_with_a_certificate_that_cannot_be_used_takes_nothing_over(w):
    good = (w.folder / "server.pem").read_bytes()
    (w.folder / "server.pem").write_text("no certificate")
    done = w.gateway.run("serve", "--takeover", "--config", w.gateway.config, "--data-dir", w.gateway.data, check=False)
    assert done.returncode != 0 and "tls.certificate" in done.stdout + done.stderr, done
    (w.folder / "server.pem").write_bytes(good)
    assert w.gateway.process.poll() is None and w.gateway.chat(demo()).status_code == 200


@case
def another_process_takes_over_with_another_certificate_and_nobody_notices(w):
    before, after = certificate(w.folder / "server.pem"), certificate(w.folder / "fresh" / "server.pem")
    streams = Streams(w, STREAMS)
    assert shown(w) == before
    with Hammer(w.gateway.port, CLIENTS, demo(), tls=w.gateway.verify) as one, OfHttp2(w, CLIENTS) as two:
        until(lambda: min(len(one.answered), len(two.answered)) > 100, 20, "traffic")
        for name in ("server.pem", "server.key"):
            (w.folder / "fresh" / name).replace(w.folder / name)
        assert shown(w) == before, "nobody told it to read again"
        elder = w.gateway.take_over()
        assert shown(w) == after
        assert elder.poll() is None, "it ended before its streams"
        seen = len(one.answered), len(two.answered)
        until(lambda: len(one.answered) > seen[0] + 100 and len(two.answered) > seen[1] + 100, 20, "traffic goes on")
        whole = streams.finish()
        assert elder.wait(15) == 0
        seen = len(one.answered), len(two.answered)
        until(lambda: len(one.answered) > seen[0] + 50 and len(two.answered) > seen[1] + 50, 20, "traffic goes on")
    lost = one.lost + two.lost
    assert not lost and set(one.statuses) == {200} and len(whole) == STREAMS, (len(lost), lost[:3], one.statuses)
    is_in_the_ledger_once(w, one.answered + two.answered + whole)
    counts = f"{len(one.answered)} answers, {len(two.answered)} by HTTP/2, {len(whole)} streams"
    print(f"drill: | takeover with TLS | {counts} | 0 lost |")
