"""The first start without any configuration, and the second."""

import re
import stat
import subprocess
import time

from harness.bench import case, until
from harness.gateway import events, hello


def scene(bench):
    return bench.gateway()


def key_of(gateway) -> str:
    return (gateway.data / "first-key").read_text().strip()


@case
def the_fresh_key_lies_in_a_file_for_its_owner_only(gateway):
    mode = stat.S_IMODE((gateway.data / "first-key").stat().st_mode)
    assert mode == 0o600, oct(mode)
    until(lambda: "Hello!" in gateway.log.read_text(), 5, "the greeting")
    log = gateway.log.read_text()
    assert str(gateway.data / "first-key") in log, "the log does not name the file"
    assert key_of(gateway) not in log, "the key itself is in the log"
    assert re.fullmatch(r"sk-\S{20,}", key_of(gateway)), "no recognisable key"


@case
def the_printed_curl_works_as_pasted(gateway):
    until(lambda: "Hello!" in gateway.log.read_text(), 5, "the greeting")
    log = gateway.log.read_text()
    start = log.index("curl ")
    command = log[start : log.index("}'", start) + 2]
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=20)
    assert done.returncode == 0, done.stderr
    assert "demo" in done.stdout and '"choices"' in done.stdout, done.stdout


@case
def the_demo_answers_plain_and_says_that_it_is_the_demo(gateway):
    answer = gateway.chat(hello("demo"), key_of(gateway))
    assert answer.status_code == 200, answer.text
    choice = answer.json()["choices"][0]
    assert "demo" in choice["message"]["content"] and choice["finish_reason"] == "stop"
    assert answer.headers["x-request-id"].startswith("req_")
    assert answer.headers["x-portcullis-provider"] == "demo"


@case
def the_demo_answers_streamed(gateway):
    answer = gateway.chat(hello("demo", stream=True), key_of(gateway))
    assert answer.headers["content-type"].startswith("text/event-stream")
    datas = events(answer.text)
    assert datas[-1] == "[DONE]" and len(datas) > 2, datas
    assert '"usage":{' not in answer.text.replace(" ", ""), "usage came unasked"


@case
def a_stranger_is_refused(gateway):
    assert gateway.chat(hello("demo"), "sk-wrong").status_code == 401
    assert gateway.get("/models", "").status_code == 401


@case
def it_stops_within_five_seconds_when_told(gateway):
    begun = time.monotonic()
    assert gateway.stop(within=5) == 0
    assert time.monotonic() - begun < 5


@case
def the_second_start_finds_its_data_and_mints_nothing(gateway):
    key = key_of(gateway)
    written = (gateway.data / "first-key").stat().st_mtime_ns
    gateway.start()
    assert (gateway.data / "first-key").stat().st_mtime_ns == written
    assert gateway.chat(hello("demo"), key).status_code == 200
    listed = gateway.run("keys", "list", "--data-dir", gateway.data, "--json").stdout
    assert listed.count('"id"') == 1, listed


@case
def it_creates_no_files_that_others_may_read(gateway):
    for path in gateway.data.rglob("*"):
        mode = stat.S_IMODE(path.stat().st_mode)
        if path.is_file() and ("secret" in path.name or "key" in path.name):
            assert mode & 0o077 == 0, f"{path} is {oct(mode)}"
