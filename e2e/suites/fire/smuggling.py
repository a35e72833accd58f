"""One meaning per byte: no request hides behind another."""

import asyncio
import contextlib

from harness.bench import case
from harness.raw import Client, ask, chat, head
from suites.fire.variants import GOOD, REFUSED
from suites.fire.world import drill


@case
def no_request_hides_in_another(w):
    w.run(all_variants(w))


async def all_variants(w):
    before = len(w.upstream.seen)
    wrong = []
    gate = asyncio.Semaphore(16)

    async def one(name, data, wanted):
        async with gate:
            said = await tried(w, data, len(wanted or [0]), ends=name.endswith(" cut"))
        wrong.extend(f"{name}: {what}" for what in judged(said, wanted))

    checks = [one(name, data, None) for name, data in REFUSED.items()]
    checks += [one(name, data, wanted) for name, (data, wanted) in GOOD.items()]
    await asyncio.gather(*checks)
    seen = w.upstream.seen[before:]
    hidden = [exchange.body for exchange in seen if exchange.json["model"] == "hidden" or "/hidden" in exchange.head]
    drill("smuggling", f"{len(checks)} variants, {len(hidden)} hidden requests, {len(wrong)} wrong answers", "0, 0")
    assert not hidden and not wrong, "\n".join([repr(hidden), *wrong])
    answers = sum(wanted.count(200) for _, wanted in GOOD.values())
    assert len(seen) == answers, (len(seen), answers)


async def tried(w, data: bytes, wanted: int, ends: bool):
    """Every answer to these bytes, and whether the connection then ended."""
    client = await Client.open(w.gateway)
    answers = []
    # In two pieces, cut in the middle: nothing may hang on how bytes travel.
    middle = len(data) // 2
    await client.send(data[:middle])
    await asyncio.sleep(0.01)
    await client.send(data[middle:])
    if ends:
        client.writer.write_eof()
    ended = False
    with contextlib.suppress(TimeoutError):
        # One more than wanted would come at once.
        while (answer := await client.answer(4 if len(answers) < wanted else 0.5)) is not None:
            answers.append(answer)
        ended = True
    client.reset()
    return answers, ended


def judged(said, wanted):
    answers, ended = said
    statuses = [answer.status for answer in answers]
    if wanted is not None:
        if statuses != wanted:
            yield f"answered {statuses}, not {wanted}"
        return
    if len(statuses) != 1 or not 400 <= statuses[0] < 500:
        yield f"answered {statuses}, not one 4xx"
        return
    [answer] = answers
    if "message" not in answer.json.get("error", {}):
        yield f"no error in the dialect: {answer.body[:200]}"
    if not ended:
        yield "the connection stays open"


@case
def answers_come_in_the_order_of_the_requests(w):
    w.run(pipelined(w, 50))


async def pipelined(w, count: int):
    client = await Client.open(w.gateway)
    names = ["one", "two", "three", "four"]
    wanted = [names[at % 4] for at in range(count)]
    sending = asyncio.create_task(client.send(b"".join(ask(chat(name)) for name in wanted)))
    got = [(await client.answer()).json["model"] for _ in wanted]
    await sending
    client.close()
    assert got == wanted, got


@case
def bytes_behind_a_refused_request_are_no_request(w):
    w.run(behind_a_refusal(w))


async def behind_a_refusal(w):
    """A body that nobody reads must not be read as the next request."""
    behind = ask(chat("hidden"))
    stranger = head([f"content-length: {len(behind)}"]).replace(b"Bearer sk", b"Bearer no")
    before = len(w.upstream.seen)
    for request in (stranger, head([f"content-length: {len(behind)}"], path="/nowhere")):
        client = await Client.open(w.gateway)
        await client.send(request + behind)
        first = await client.answer()
        assert first.status in (401, 404), first
        # It closes, or has thrown the body away and goes on with the next one.
        await client.send(ask(chat("one")))
        second = await client.answer()
        assert second is None or second.json["model"] == "one", second
        client.close()
    names = w.upstream.models()[before:]
    assert "hidden" not in names, names
