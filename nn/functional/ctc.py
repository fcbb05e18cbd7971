"""Connectionist temporal classification: a loss for sequences whose alignment with the input is not known."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import autograd
from autograd import Tensor, where
from autograd.errors import ArgumentError, ShapeError
from autograd.tensor import wrap
from autograd.twin import as_one

from .reduction import reduced

_NEVER = -1e30  # the logarithm of a probability of 0 that can still be calculated with


def ctc_loss(log_probs: Tensor, targets: Tensor, input_lengths: Any, target_lengths: Any, blank: int = 0,
             reduction: str = "mean", zero_infinity: bool = False) -> Tensor:  # fmt: skip
    """-ln of the probability of all alignments that read `targets` once blanks and repetitions are taken out.

    `log_probs` (T, N, C) or (T, C); `targets` (N, S), or all of them in one row; lengths: one for each sample.  The
    mean divides each loss by its target's length first.  As in PyTorch, the gradient takes log_probs for the output of
    a log_softmax.  The sum over alignments is the forward recursion of Graves et al. (2006), equations 6 and 7.

    >>> import autograd, nn.functional as F
    >>> p = autograd.full((2, 1, 2), 0.5)  # two of the four paths over {blank, a}, "a-" and "-a", and "aa" read "a"
    >>> F.ctc_loss(p.log(), autograd.tensor([[1]]), [2], [1]).exp()
    tensor(1.3333)
    """
    if log_probs.array.ndim not in (2, 3):
        raise ShapeError(f"ctc_loss: log_probs must be (T, N, C) or (T, C), got {list(log_probs.shape)}")
    single = log_probs.array.ndim == 2
    x = log_probs.unsqueeze(1) if single else log_probs
    steps, labels = _lengths("input_lengths", input_lengths), _lengths("target_lengths", target_lengths)
    rows = _rows(targets.array, labels, x.array.shape, steps, blank)
    normal = x.log_softmax(-1)
    loss = -_log_probability(normal + (x - normal).detach(), rows, steps, labels, blank)
    impossible = loss.array > -_NEVER / 2
    loss = where(wrap(impossible), 0.0 if zero_infinity else math.inf, loss)
    if reduction == "mean":
        loss = loss / wrap(np.maximum(labels, 1).astype(loss.array.dtype))
    return reduced(loss.squeeze(0) if single else loss, reduction, "ctc_loss")


def _lengths(name: str, value: Any) -> np.ndarray:
    lengths = np.atleast_1d(np.asarray(value.array if isinstance(value, Tensor) else value))
    if lengths.dtype.kind not in "iu" or (lengths < 0).any():
        raise ArgumentError(f"ctc_loss: {name} must be non-negative ints, got {value!r}")
    return lengths.astype(np.int64)


def _rows(targets: np.ndarray, labels: np.ndarray, shape: tuple[int, ...], steps: np.ndarray, blank: int) -> np.ndarray:
    """The targets as (N, S), after all arguments have been checked against each other."""
    t, n, c = shape
    if labels.shape != (n,) or steps.shape != (n,):
        raise ShapeError(
            f"ctc_loss: {n} samples need as many lengths, got {len(steps)} of inputs, {len(labels)} of targets"
        )
    if not 0 <= blank < c:
        raise ArgumentError(f"ctc_loss: blank={blank} must be one of the {c} classes")
    if n and (steps.max() > t or steps.min() < 1):
        raise ArgumentError(f"ctc_loss: input_lengths must lie in 1..{t}, got {steps.tolist()}")
    width = int(labels.max(initial=0))
    if targets.ndim == 2 and len(targets) == n and targets.shape[1] >= width:
        rows = np.where(np.arange(width) < labels[:, None], targets[:, :width], 0)
    elif targets.ndim == 1 and targets.size == labels.sum():
        rows = _in_rows(targets, labels, width)
    else:
        raise ShapeError(
            f"ctc_loss: targets {list(targets.shape)} must be ({n}, at least {width}), or [{labels.sum()}]"
        )
    if rows.size and not 0 <= rows.min() <= rows.max() < c:
        raise ArgumentError(f"ctc_loss: targets must hold class numbers 0..{c - 1}")
    return rows


@as_one
def _in_rows(targets: np.ndarray, labels: np.ndarray, width: int) -> np.ndarray:
    """Targets one after the other as one row for each sample, with zeros at the end."""
    rows = np.zeros((len(labels), width), np.int64)
    rows[np.arange(width) < labels[:, None]] = targets
    return rows


@as_one
def _with_blanks(rows: np.ndarray, blank: int) -> np.ndarray:
    """Blanks between all labels and around them."""
    z = np.full((len(rows), 2 * rows.shape[1] + 1), blank, np.int64)
    z[:, 1::2] = rows
    return z


def _log_probability(x: Tensor, rows: np.ndarray, steps: np.ndarray, labels: np.ndarray, blank: int) -> Tensor:
    """ln Σ over alignments, with α_t(s) = (α(s) + α(s - 1) + α(s - 2) if s may be reached by a skip) p_t(z_s)."""
    n = len(rows)
    z = _with_blanks(rows, blank)
    other = z[:, 2:] != z[:, :-2]  # skip not from blank to blank, nor over the blank between two equal labels
    skips = np.concatenate([np.zeros((n, min(2, z.shape[1])), bool), other], 1)
    emitted = x.gather(2, wrap(np.broadcast_to(z, (len(x.array), *z.shape)))).unbind(0)
    margin = wrap(np.full((n, 2), _NEVER, x.array.dtype))
    started = np.broadcast_to(np.arange(z.shape[1]) < 2, z.shape)
    alpha = where(wrap(started), emitted[0], _NEVER)
    for t, now in enumerate(emitted[1:], 1):
        before = autograd.cat([margin, alpha], 1)
        skipped = where(wrap(skips), before[:, :-2], _NEVER)
        total = autograd.stack([alpha, before[:, 1:-1], skipped]).logsumexp(0) + now
        alpha = where(wrap((t < steps)[:, None]), total, alpha)
    ends = np.stack([2 * labels, np.maximum(2 * labels - 1, 0)], 1)  # the last blank, or the last label
    last = alpha.gather(1, wrap(ends))
    return where(wrap(np.stack([labels >= 0, labels > 0], 1)), last, _NEVER).logsumexp(1)
