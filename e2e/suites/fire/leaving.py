"""Clients of every dialect that hang up, in front of upstreams of every dialect."""

import asyncio
import time

from harness.bench import case
from harness.raw import Client, percentile
from suites.fire.dialects import Scene, begin, speakers
from suites.fire.tongues import SPEAKERS, TONGUES
from suites.fire.world import drill, sized

# How much of the answer has come by then; none is not even its head.
MOMENTS = {
    "before the first byte": lambda t: None,
    "before the first content": lambda t: t.preamble,
    "in the middle": lambda t: t.said,
    "behind the finish reason": lambda t: t.finish,
}
# What is left of an answer then comes this much later, and is waited for.
LATER = 0.1


def is_there(t, moment: str) -> bool:
    """Whether there is such a moment: with some the finish reason is the end."""
    return moment != "behind the finish reason" or t.finish < len(t.frames) or not t.is_marked


async def leaves(scene: Scene, tongue: str, speaker: str, moment: str) -> float:
    """Seconds until the upstream saw that the client had left."""
    t, gone = TONGUES[tongue], asyncio.get_running_loop().create_future()
    reached, count = asyncio.Event(), MOMENTS[moment](t)

    async def does(exchange):
        if count is not None:
            await begin(exchange, t, t.frames[:count])
        reached.set()
        watching = asyncio.create_task(exchange.until_gone(10))
        if count == t.finish:
            await asyncio.wait([watching], timeout=LATER)
            for frame in t.frames[count:]:
                await exchange.chunk(frame)
        gone.set_result(await watching)

    scene.upstream.on[tongue] = does
    client = await Client.open(scene.gateway)
    await client.send(SPEAKERS[speaker].asks(tongue, True))
    await asyncio.wait_for(reached.wait(), 10)
    # What was written has reached the gateway.
    await asyncio.sleep(0.02)
    left = client.reset()
    return await asyncio.wait_for(gone, 10) - left


def is_booked(row: dict, moment: str) -> bool:
    if row["outcome"] != "client_left" or row["input"] == 0:
        return False
    if moment == "behind the finish reason":
        return row["usage_source"] == "provider" and row["output"] > 0
    return moment != "in the middle" or row["output"] > 0


def pairs(moment: str) -> list:
    turn = list(MOMENTS).index(moment)
    return [(tongue, speaker) for at, tongue in enumerate(TONGUES) for speaker in speakers(at + turn)]


@case
def who_leaves_a_translated_answer_is_settled_once_and_the_upstream_stops(w):
    scene, took, wrong = Scene.of(w), [], []
    rounds = sized(1, 10)
    for moment in MOMENTS:
        for tongue, speaker in pairs(moment):
            if is_there(TONGUES[tongue], moment):
                before = time.time() * 1e6
                times = [w.run(leaves(scene, tongue, speaker, moment)) for _ in range(rounds)]
                rows = scene.since(before, rounds)
                wrong += [(tongue, speaker, moment, row) for row in rows if not is_booked(row, moment)]
                if moment != "behind the finish reason":
                    took += times
    p99 = percentile(took, 0.99) * 1000
    drill("disconnects through every dialect", f"{len(took)} cancelled, p99 {p99:.1f} ms, {len(wrong)} booked wrong", "0")
    assert not wrong, "\n".join(map(str, wrong))
    assert p99 < sized(60, 10), f"p99 {p99:.1f} ms"
