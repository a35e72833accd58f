"""Waiting for something to become true: polled, never a fixed sleep."""

import time


class Hopeless(Exception):
    """Nothing that is waited for will come."""


def until(condition, within: float = 5.0, what: str | None = None):
    """The first true value of `condition()`; fails after `within` seconds.

    An exception of the condition counts as false, and is shown at the end.
    """
    deadline = time.monotonic() + within
    last = None
    while True:
        try:
            value = condition()
            if value:
                return value
        except Hopeless:
            raise
        except Exception as error:
            last = error
        if time.monotonic() > deadline:
            told = what or getattr(condition, "__name__", "the condition")
            raise AssertionError(f"not within {within} s: {told}; last error: {last!r}") from last
        time.sleep(0.02)
