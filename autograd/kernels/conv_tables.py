"""Where `conv_gather` finds the elements of its products, and where the results belong: for any stride, padding and
dilation a matter of tables, which depend on the shapes alone and are kept."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from .conv_pieces import Pair

_PLACES = 1024  # of a chunk: with a tile's columns they stay in the second cache


class Tables(NamedTuple):
    """Where a product finds its elements, and where its results belong."""

    rows: np.ndarray  # for each place of a chunk, in each of `block` images, its position in the framed image
    places: np.ndarray  # and its row in the result
    taps: np.ndarray  # for each phase and tap of a group's filters, the distance from there
    entries: np.ndarray  # for each chunk and phase (first row, rows of an image, first tap, taps, shift of the rows)
    chunks: np.ndarray  # (first place, places): the result is made in chunks of whole rows
    frame: tuple[int, int, int, int]  # the image's place in its frame, and the frame's size
    direct: bool  # the image is its own frame
    block: int  # images that are computed together


def _block(n: int, places: int, image: int) -> int:
    """As many images as fill some tiles, if they stay in cache."""
    return max(1, min(n, 256 // places, (1 << 16) // image))


def _tables(n: int, channels: int, size: Pair, result: Pair, phases: list[Any], frame: Any, width: int) -> Tables:
    """`phases` holds for each phase of the result its rows and columns, their positions, and its taps."""
    image = channels * frame[2] * frame[3]
    every = len({tuple(phase[0][:1]) for phase in phases})  # rows after which the phases come again
    high = min(result[0], max(1, _PLACES // result[1] // every) * every)
    block = _block(n, result[0] * result[1], image) if high == result[0] else 1
    tops = range(0, result[0], high)
    entries = np.zeros((len(tops), len(phases), 5), np.int64)
    rows, places, images = [], [], np.arange(block)[:, None]
    start = tap = 0
    for k, (u, v, i, j, taps) in enumerate(phases):
        first = u < high
        rows.append((images * image + (i[first][:, None] * frame[3] + j).reshape(-1)).reshape(-1))
        places.append((images * high * result[1] + (u[first][:, None] * result[1] + v).reshape(-1)).reshape(-1) * width)
        for chunk, top in enumerate(tops):
            inside = i[(u >= top) & (u < top + high)]
            shift = (inside[0] - i[0]) * frame[3] if inside.size else 0
            entries[chunk, k] = start, inside.size * v.size, tap, taps.size, shift
        start, tap = start + rows[-1].size, tap + taps.size
    chunks = [(top * result[1], (min(top + high, result[0]) - top) * result[1]) for top in tops]
    return Tables(np.concatenate(rows).astype(np.int64), np.concatenate(places).astype(np.int64),
                  np.concatenate([phase[4] for phase in phases]).astype(np.int64), entries, np.array(chunks), frame,
                  frame == (0, 0, *size), block)  # fmt: skip


@lru_cache(maxsize=256)
def forward_tables(n: int, c: int, groups: int, size: Pair, kernel: Pair, stride: Pair, padding: Pair,
                    dilation: Pair, outputs: Pair, width: int) -> Tables:  # fmt: skip
    rows, columns = ((o - 1) * s + (k - 1) * d + 1 for o, s, k, d in zip(outputs, stride, kernel, dilation))
    frame = (0, 0, *size) if padding == (0, 0) else (*padding, rows, columns)
    u, v = (np.arange(o) for o in outputs)
    i, j = (np.arange(k) * d for k, d in zip(kernel, dilation))
    window = (i[:, None] * frame[3] + j).reshape(-1)
    taps = (np.arange(c // groups)[:, None] * (frame[2] * frame[3]) + window).reshape(-1)
    return _tables(n, c, size, outputs, [(u, v, u * stride[0], v * stride[1], taps)], frame, width)


def _axis(size: int, outputs: int, kernel: int, stride: int, padding: int, dilation: int) -> tuple[int, int, list[Any]]:
    """Along one axis, the frame of g, its size, and for each phase: its elements of x, their positions, its taps."""
    taps = np.arange(kernel)
    lowest, u = padding // stride, np.arange(size)
    frame = (kernel - 1) * dilation // stride - lowest
    phases = []
    for a in range(stride):
        chosen, mine = taps[taps * dilation % stride == a], u[(u + padding) % stride == a]
        phases.append((mine, (mine + padding) // stride - lowest, chosen, frame + lowest - chosen * dilation // stride))
    return frame, (size - 1 + padding) // stride + frame + 1, phases


@lru_cache(maxsize=256)
def input_tables(n: int, f: int, groups: int, panels: int, size: Pair, kernel: Pair, stride: Pair, padding: Pair,
                  dilation: Pair, outputs: Pair, width: int) -> tuple[Tables, np.ndarray, np.ndarray]:  # fmt: skip
    """The tables, and for `pack_input` where each tap's rows start, and how many taps share its phase."""
    (top, rows, down), (left, columns, across) = (
        _axis(*axis) for axis in zip(size, outputs, kernel, stride, padding, dilation)
    )
    frame, filters = (top, left, rows, columns), np.arange(f // groups)[:, None]
    if frame[:2] == (0, 0) and rows <= outputs[0] and columns <= outputs[1]:
        frame = (0, 0, *outputs)
    starts, steps = np.zeros(kernel, np.int64), np.zeros(kernel, np.int64)
    phases, start = [], 0
    for u, i, k_h, m_h in down:
        for v, j, k_w, m_w in across:
            window = (m_h[:, None] * frame[3] + m_w).reshape(-1)
            taps = (filters * (frame[2] * frame[3]) + window).reshape(-1)
            chosen = np.ix_(k_h, k_w)
            starts[chosen] = (start * panels + np.arange(window.size).reshape(len(k_h), len(k_w))) * width
            steps[chosen] = window.size
            phases.append((u, v, i, j, taps))
            start += taps.size
    return _tables(n, f, outputs, size, phases, frame, width), starts.reshape(-1), steps.reshape(-1)
