"""All parameters as one vector, and back."""

from __future__ import annotations

from collections.abc import Iterable

from autograd import Tensor, cat
from autograd.errors import ArgumentError, ShapeError


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """The elements of all parameters, one after the other.

    >>> import nn
    >>> nn.utils.parameters_to_vector(nn.Linear(2, 3).parameters()).shape
    Size([9])
    """
    return cat([p.reshape(-1) for p in parameters])


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Give the parameters the elements of `vec`: the inverse of `parameters_to_vector`."""
    if not isinstance(vec, Tensor):
        raise ArgumentError(f"vec: expected a Tensor, got {type(vec).__name__}")
    given = list(parameters)
    total = sum(p.numel() for p in given)
    if vec.numel() != total:
        raise ShapeError(f"vec: has {vec.numel()} elements, the parameters {total}")
    start = 0
    for p in given:
        p.data = vec.detach()[start : start + p.numel()].reshape(p.shape)
        start += p.numel()
