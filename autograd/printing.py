"""How a tensor prints: as PyTorch prints it."""

from __future__ import annotations

from typing import Any

import numpy as np

from .tape import LEAF

_options: dict[str, Any] = {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80}


def set_printoptions(*, precision: int | None = None, threshold: int | None = None, edgeitems: int | None = None,
                     linewidth: int | None = None, sci_mode: bool | None = None) -> None:  # fmt: skip
    """Choose how tensors print."""
    given = {"precision": precision, "threshold": threshold, "edgeitems": edgeitems, "linewidth": linewidth,
             "sci": sci_mode}  # fmt: skip
    _options.update({name: value for name, value in given.items() if value is not None})


def _formatter(a: np.ndarray) -> Any:
    """One format for all elements: ``2.``, ``0.2500`` or ``2.5000e-07``, by the range of the finite ones."""
    digits = _options["precision"]
    finite = np.abs(a[np.isfinite(a)].astype(np.float64))
    nonzero = finite[finite > 0]
    whole = bool((finite == np.floor(finite)).all())
    largest, smallest = (float(nonzero.max()), float(nonzero.min())) if nonzero.size else (0.0, 1.0)
    wide = largest >= 1e8 or (not whole and (smallest < 1e-4 or largest / smallest > 1000))
    scientific = _options.get("sci", wide)

    def show(x: float) -> str:
        if scientific or not whole:
            return f"{x:.{digits}{'e' if scientific else 'f'}}"
        return f"{x:.0f}." if np.isfinite(x) else f"{x}"

    width = max((len(show(x)) for x in a.flat), default=0) if a.size <= _options["threshold"] else 0
    return {"float": lambda x: show(float(x)).rjust(width)}


def tensor_repr(t: Any) -> str:
    """``tensor([1., 2.], requires_grad=True)``."""
    a, suffix = t.array, []
    prefix = "tensor("
    limits = {k: v for k, v in _options.items() if k in ("threshold", "edgeitems")}
    formatter = _formatter(a) if a.dtype.kind in "fV" and a.ndim + a.size > 0 else None
    body = np.array2string(a if a.dtype.kind != "V" else a.astype(np.float32), separator=", ", prefix=prefix,
                           max_line_width=_options["linewidth"], formatter=formatter, **limits)  # fmt: skip
    if a.size == 0:
        body = "[]" if a.ndim == 1 else f"[], size={tuple(a.shape)}"
    if a.dtype not in (np.float32, np.int64, np.bool_):
        suffix.append(f"dtype={a.dtype}")
    if t.node is not None:
        node = t.node if t.node.name != "pick" else t.node.parents[0]  # the op that has several outputs
        suffix.append("requires_grad=True" if node.op is LEAF else f"grad_fn=<{node.name}>")
    return prefix + ", ".join([body, *suffix]) + ")"
