"""One gateway before all providers, and what is known of each of them."""

import dataclasses
import itertools


import fake_bedrock
import fake_gemini
import fake_gpt
from fake_anthropic import FakeAnthropic
from fake_bedrock import FakeBedrock
from fake_cohere import FakeCohere
from fake_gemini import FakeGemini
from fake_gpt import FakeAzure, FakeGPT
from fake_ollama import FakeOllama
from fake_quirks import FakeQuirky
from fake_vertex_chat import FakeVertex, FakeVertexClaude
from harness.bench import case
from harness.gateway import UPSTREAM_KEY
from suites.common import fake_and_gateway
from suites.matrix.clients import CLIENTS


@dataclasses.dataclass(frozen=True)
class Target:
    """A model, as the gateway's clients name it."""

    name: str
    provider: str
    model: str
    # The fake that answers for it, an attribute of the world.
    server: str
    # Tokens read, of them from a cache, written to it, and answered.
    usage: tuple = (11, 0, 0, 7)
    # Tokens thought: when told to, and always.
    thoughts: int = 0
    thinks_always: bool = False
    # Whether its thoughts can be read.
    shows: bool = False

    def used(self, is_thinking: bool, more: int = 0) -> tuple:
        """As every client's dialect adds it up."""
        read, cached, written, said = self.usage
        thought = self.thoughts if is_thinking or self.thinks_always else 0
        return (read, cached, written, said + thought, thought)


CACHED = (16, 5, 0, 7)
CLAUDES = (19, 5, 3, 7)
TARGETS = [
    Target("openai", "openai", "gpt-4.1", "gpt", CACHED),
    Target("openai-thinker", "openai", "gpt-5.1", "gpt", CACHED, 9, True),
    Target("azure", "azure", "gpt-4.1", "azure", CACHED),
    Target("azure-deployment", "azure_deployments", "gpt-4.1", "azure", CACHED),
    Target("anthropic", "anthropic", "claude-haiku-4-5", "claude", CLAUDES, shows=True),
    Target("anthropic-newest", "anthropic", "claude-opus-4-8", "claude", CLAUDES, shows=True),
    Target("gemini", "gemini", "gemini-2.5-flash", "google", CACHED, 9, shows=True),
    Target("gemini-3", "gemini", "gemini-3-flash", "google", CACHED, 9, True, shows=True),
    Target("vertex", "vertex", "gemini-2.5-flash", "vertex", CACHED, 9, shows=True),
    Target("vertex-claude", "vertex_claude", "claude-haiku-4-5", "vertex_claude", CLAUDES, shows=True),
    Target("bedrock-claude", "bedrock", fake_bedrock.CLAUDE, "aws", CLAUDES, shows=True),
    Target("bedrock-nova", "bedrock", fake_bedrock.NOVA, "aws", CLAUDES),
    Target("bedrock-invoked", "bedrock_claude", fake_bedrock.CLAUDE, "aws", CLAUDES, shows=True),
    Target("cohere", "cohere", "command-a-03-2025", "cohere", CACHED),
    Target("cohere-thinker", "cohere", "command-a-reasoning-08-2025", "cohere", CACHED, shows=True),
    Target("mistral", "mistral", "m", "mistral", shows=True),
    Target("ollama", "ollama", "gemma4", "ollama", (16, 0, 0, 7)),
    Target("ollama-thinker", "ollama", "gpt-oss:20b", "ollama", (16, 0, 0, 7), shows=True),
    Target("compatible", "fake", "m", "fake"),
    Target("deepseek", "deepseek", "m", "deepseek", shows=True),
]
BY_NAME = {target.name: target for target in TARGETS}
# One of each kind, for conversations that move.
OTHERS = [
    BY_NAME[name]
    for name in ("openai", "openai-thinker", "azure", "anthropic", "gemini-3", "vertex", "bedrock-claude", "cohere-thinker",
                 "mistral", "ollama", "deepseek")
]  # fmt: skip


def scene(bench):
    fakes = {
        "gpt": FakeGPT, "azure": FakeAzure, "claude": FakeAnthropic, "google": FakeGemini, "vertex": FakeVertex,
        "vertex_claude": FakeVertexClaude, "aws": FakeBedrock, "cohere": FakeCohere, "ollama": FakeOllama,
        "mistral": lambda key: FakeQuirky(key, "mistral"), "deepseek": lambda key: FakeQuirky(key, "deepseek"),
    }  # fmt: skip
    servers = {name: bench.enter(make(UPSTREAM_KEY)) for name, make in fakes.items()}
    urls = {
        "openai": servers["gpt"].base_url, "azure": servers["azure"].v1_url,
        "azure_deployments": servers["azure"].deployments_url, "anthropic": servers["claude"].base_url,
        "gemini": servers["google"].base_url, "vertex": servers["vertex"].base_url,
        "vertex_claude": servers["vertex_claude"].base_url, "bedrock": servers["aws"].base_url,
        "bedrock_claude": servers["aws"].base_url, "cohere": servers["cohere"].base_url,
        "mistral": servers["mistral"].base_url, "deepseek": servers["deepseek"].base_url,
    }  # fmt: skip
    providers = "".join(f"  {name}: {{base_url: '{url}', api_key: env:UPSTREAM_KEY}}\n" for name, url in urls.items())
    providers += f"  ollama: {{base_url: '{servers['ollama'].base_url}'}}\n"
    models = "".join(
        f"  - {{name: {t.name}, deployments: [{{provider: {t.provider}, model: '{t.model}'}}]}}\n" for t in TARGETS
    )
    world = fake_and_gateway(bench, more=f"models:\n{models}retry: {{retries: 0}}\n", providers=providers)
    for name, server in servers.items():
        setattr(world, name, server)
    world.heard = []
    world.clients = {}
    for kind in CLIENTS:
        http = kind.transport.Client(event_hooks={"response": [world.heard.append]}, timeout=20)
        world.clients[kind.name] = kind(world.gateway, http)
    return world


def server_of(w, target: Target):
    return getattr(w, target.server)


OWN = {
    "chat": {"gpt", "azure", "fake", "mistral", "deepseek"},
    "responses": set(),
    "messages": {"claude", "vertex_claude", "bedrock-invoked"},
    "gemini": {"google", "vertex"},
}


def is_own(client, target: Target) -> bool:
    """Whether the client speaks the target's dialect: then nothing is changed."""
    return bool({target.server, target.name} & OWN[client.name])


WAYS = ("plain", "streamed")


def each(targets=TARGETS, clients=CLIENTS, ways=WAYS):
    """Makes a case for every client and way of `check(w, client, target, is_streamed)`."""

    def make(check):
        space = check.__globals__
        for client, target, way in itertools.product(clients, targets, ways):
            def one(w, client=client, target=target, way=way):
                check(w, w.clients[client.name], target, way == "streamed")

            one.__name__ = f"{check.__name__}: {client.name} {way} to {target.name}"
            space[one.__name__] = case(one)
        return check

    return make
