"""What never crosses: keys, cookies, another provider's words."""

from harness.bench import case
from suites.matrix.scenery import TARGETS, server_of


@case
def nothing_went_upstream_that_should_not(w):
    found = {target.server: server_of(w, target).violations for target in TARGETS}
    found = {name: set(violations) for name, violations in found.items() if violations}
    assert not found, found


@case
def no_header_of_a_provider_came_back(w):
    assert len(w.heard) > 1000
    names = {name for response in w.heard for name in response.headers}
    theirs = ("openai-org", "set-cookie", "x-amz", "server", "anthropic-org", "apim")
    unwanted = [name for name in names if name.startswith(theirs)]
    assert not unwanted, unwanted
    assert all(response.headers["x-request-id"] != "upstream-request-id" for response in w.heard)
