"""`kill -9` under translated streams and kept conversations."""

import asyncio
import json
import random
import time

from harness.bench import case, until
from harness.raw import once
from suites.fire.dialects import Scene, begin
from suites.fire.tongues import SPEAKERS, TONGUES, Speaker, ends_well
from suites.fire.world import drill, sized

KILLS = sized(4, 50)
CLIENTS = 3
ASKED = [("o", "messages"), ("a", "chat"), ("o", "responses"), ("a", "responses"), ("g", "messages")]


class Talk:
    """A client that asks for one stream after the other, and goes on from the
    answer that it had last where its dialect can."""

    def __init__(self, gateway, model: str, speaker: str):
        self.gateway, self.model, self.speaker = gateway, model, speaker
        self.whole, self.kept, self.forgotten = [], [], []
        self.is_over = False

    def asks(self) -> bytes:
        speaker = SPEAKERS[self.speaker]
        if self.kept:
            speaker = Speaker(speaker.path, speaker.body | {"previous_response_id": self.kept[-1]}, speaker.streams)
        return speaker.asks(self.model, True)

    async def run(self) -> None:
        while not self.is_over:
            try:
                got = await once(self.gateway, self.asks(), 10)
            except (OSError, TimeoutError):
                got = None
            if got is None:
                await asyncio.sleep(0.01)
            elif got.status == 400:
                self.forgotten.append(got.body)
                self.kept.clear()
            elif got.status == 200 and ends_well(self.speaker, got.events):
                self.whole.append(got.request_id)
                self.keep(json.loads(got.events[-1]) if self.speaker == "responses" else {})

    def keep(self, last: dict) -> None:
        # It says itself whether it is kept.
        if last.get("response", {}).get("store"):
            self.kept.append(last["response"]["id"])


def paced(t):
    async def does(exchange):
        await begin(exchange, t, [])
        for frame in t.frames:
            await exchange.chunk(frame)
            await asyncio.sleep(random.uniform(0, 0.004))
        await exchange.end()

    return does


def wrong_in(row: dict) -> bool:
    """Whether a row of this traffic is not as it must be."""
    if row["outcome"] == "complete":
        return (row["usage_source"], row["output"]) != ("provider", 7)
    known = row["provider"] and row["deployment"] and row["attempts"] and row["streamed"]
    return row["outcome"] not in ("lost", "client_left") or not known or not row["input"]


@case
def what_clients_of_any_dialect_have_whole_survives_kills(w):
    scene = Scene(w)
    for tongue, t in TONGUES.items():
        scene.upstream.on[tongue] = paced(t)
    talks = [Talk(scene.gateway, *asked) for asked in ASKED for _ in range(CLIENTS)]
    running = [asyncio.run_coroutine_threadsafe(talk.run(), w.loop) for talk in talks]
    pauses = random.Random(11)
    for _ in range(KILLS):
        time.sleep(pauses.uniform(0.1, 0.6))
        scene.gateway.kill()
        scene.gateway.start()
    until(lambda: all(talk.whole for talk in talks), 20, "everybody is answered")
    for talk in talks:
        talk.is_over = True
    for one in running:
        one.result(20)
    assert scene.gateway.stop() == 0
    scene.gateway.start()
    kept = sum(len(talk.kept) for talk in talks)
    still_kept(w, scene, talks)
    rows = {"req_" + row["ticket"].hex(): row for row in scene.gateway.rows()}
    whole = [id for talk in talks for id in talk.whole]
    missing = [id for id in whole if rows.get(id, {}).get("outcome") != "complete"]
    wrong = [row for row in rows.values() if wrong_in(row)]
    lost = sum(row["outcome"] == "lost" for row in rows.values())
    drill("kill -9 under translated streams", f"{KILLS} kills, {len(whole)} answers, {len(missing)} missing, "
          f"{len(wrong)} wrong, {lost} lost, {kept} kept turns", "0 missing, 0 wrong, all kept")  # fmt: skip
    assert lost and len(whole) == len(set(whole)), (lost, len(whole))
    assert not missing and not wrong, (missing[:3], wrong[:3])


def still_kept(w, scene, talks: list) -> None:
    """Answers that said they were kept can be gone on from."""
    forgotten = [body for talk in talks for body in talk.forgotten]
    for talk in talks:
        # A long conversation is told whole to a provider that keeps none.
        for id in random.sample(talk.kept, min(len(talk.kept), 20)):
            talk.kept = [id]
            got = w.run(once(scene.gateway, talk.asks()))
            if got.status != 200:
                forgotten.append(got.body)
    assert not forgotten, forgotten[:3]
