"""Numbers in drawings: four significant digits, on one line or row by row."""

from __future__ import annotations

from typing import Any

import numpy as np


def number(x: Any) -> str:
    """``2.0``, ``0.3333``, ``1.234e-07``; integers and truth values as they are."""
    if isinstance(x, bool | int):
        return str(x)
    if isinstance(x, complex):
        return f"{x:.4g}"
    text = f"{x:.4g}"
    return text + ".0" if text.lstrip("-").isdigit() else text


def in_line(array: np.ndarray) -> str:
    """``[[1.0, 2.0], [3.0, 4.0]]``"""
    return _nested(_plain(array).tolist())


def in_rows(array: np.ndarray) -> list[list[str]]:
    """Without brackets: a matrix row by row, a vector four to a row, more dimensions as matrices below another."""
    if array.size == 0:
        return [["[]"]]
    width = 4 if array.ndim < 2 else array.shape[-1]
    cells = [number(x) for x in _plain(array).reshape(-1).tolist()]
    return [cells[i : i + width] for i in range(0, len(cells), width)]


def _plain(array: np.ndarray) -> np.ndarray:
    return array.astype(np.float32) if array.dtype.kind == "V" else array  # bfloat16 comes from outside NumPy


def _nested(values: Any) -> str:
    return f"[{', '.join(map(_nested, values))}]" if isinstance(values, list) else number(values)
