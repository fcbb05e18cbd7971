"""A recurrence taken step by step over a sequence, every step on the tape.

A sequence is rows in time-major order: all rows of step 0, then those of step 1, ..., `sizes` of them.  A rectangle
(T, B, F) has B rows at every step, a packed sequence fewer and fewer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .join import join, parts_along

__all__: list[str] = []

State = tuple[Any, ...]  # (h,), or (h, c)
Step = Callable[[Any, State], State]  # from the projected input and the state to the new state


def unroll(step: Step, x: Any, state: State, sizes: tuple[int, ...], reverse: bool) -> tuple[Any, State]:
    """The first state of all steps, as rows, and for each sequence its state after its last step."""
    outputs, state = (_backwards if reverse else _forwards)(step, parts_along(x, 0, sizes), state)
    return join(*outputs), state


def _forwards(step: Step, inputs: Sequence[Any], state: State) -> tuple[list[Any], State]:
    """Sequences end from the last row upwards, so those that are over are cut off the state and set aside."""
    outputs, ended = [], []
    for x in inputs:
        rows, now = state[0].shape[0], x.shape[0]
        if now < rows:
            ended.append(tuple(s[now:] for s in state))
            state = tuple(s[:now] for s in state)
        state = step(x, state)
        outputs.append(state[0])
    if ended:
        state = tuple(join(*parts[::-1]) for parts in zip(*ended, state))
    return outputs, state


def _backwards(step: Step, inputs: Sequence[Any], initial: State) -> tuple[list[Any], State]:
    """From the last step to the first; a sequence joins in at its own last step."""
    outputs = []
    rows = inputs[-1].shape[0]
    state = initial if rows == initial[0].shape[0] else tuple(s[:rows] for s in initial)
    for x in reversed(inputs):
        now = x.shape[0]
        if now > rows:
            state, rows = tuple(join(s, first[rows:now]) for s, first in zip(state, initial)), now
        state = step(x, state)
        outputs.append(state[0])
    return outputs[::-1], state
