"""The scene that most suites share: a gateway in front of the fake."""

import types

from fake_openai import FakeOpenAI
from harness.gateway import UPSTREAM_KEY


def config(base_url: str, more: str = "", providers: str = "", keys: str = "") -> str:
    """A provider `fake` with the models `m` and `fake-large`, and a key."""
    return f"""
providers:
  fake:
    base_url: {base_url}
    api_key: env:UPSTREAM_KEY
    models: [m, fake-large]
{providers}
keys:
  - name: e2e
    key: env:E2E_KEY
{keys}
{more}
"""


def fake_and_gateway(bench, more="", providers="", keys="", environment=None) -> types.SimpleNamespace:
    """`world.fake` and, in front of it, `world.gateway`."""
    fake = bench.enter(FakeOpenAI(UPSTREAM_KEY))
    text = config(fake.base_url, more, providers, keys)
    gateway = bench.gateway(text, environment=environment)
    return types.SimpleNamespace(bench=bench, fake=fake, gateway=gateway)
