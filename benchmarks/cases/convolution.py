"""Convolutions alone: forward, the gradient of the data, the gradient of the filters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from ..case import Case, Work


@dataclass(frozen=True)
class Shape:
    """(N, C, H, H) images, F filters of size K x K."""

    name: str
    images: tuple[int, int, int]  # N, C, H
    filters: int
    size: int
    stride: int = 1
    padding: int = 0
    groups: int = 1

    def toy(self) -> Shape:
        """A small one of the same kind."""
        return Shape(self.name, (2, 4, 9), 4, self.size, self.stride, self.padding, min(self.groups, 4))

    def arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Images, filters and the cotangent of the outputs."""
        n, c, h = self.images
        o = (h + 2 * self.padding - self.size) // self.stride + 1
        shapes = (n, c, h, h), (self.filters, c // self.groups, self.size, self.size), (n, self.filters, o, o)
        rng = np.random.default_rng(0)
        x, w, g = (rng.standard_normal(shape).astype(np.float32) for shape in shapes)
        return x, w, g

    def flops(self) -> float:
        """Two for each tap of each output."""
        n, c, h = self.images
        o = (h + 2 * self.padding - self.size) // self.stride + 1
        return 2.0 * n * self.filters * o * o * c // self.groups * self.size**2


SHAPES = [
    Shape("mnist", (64, 32, 26), 64, 3),
    Shape("cifar-16", (32, 16, 32), 16, 3, 1, 1),
    Shape("cifar-64", (32, 64, 8), 64, 3, 1, 1),
    Shape("wide-56", (8, 64, 56), 64, 3, 1, 1),
    Shape("deep-14", (8, 256, 14), 256, 3, 1, 1),
    Shape("first-7x7", (16, 3, 64), 64, 7, 2, 3),
    Shape("pointwise", (8, 256, 28), 64, 1),
    Shape("depthwise", (16, 64, 32), 64, 3, 1, 1, 64),
]
DIRECTIONS = {"forward": "the outputs", "data": "the gradient of the data", "filters": "the gradient of the filters"}


def build(shape: Shape, direction: str, library: Any, toy: bool) -> Callable[[], Any]:
    """One direction, for a library with PyTorch's names."""
    shape = shape.toy() if toy else shape
    torch = library.torch
    x, w, g = (library.laid_out(torch.from_numpy(a)) for a in shape.arrays())
    options = {"stride": shape.stride, "padding": shape.padding, "groups": shape.groups}
    conv = library.nn.functional.conv2d
    if direction == "forward":
        return lambda: conv(x, w, **options)
    wanted = (x if direction == "data" else w).requires_grad_()
    y = conv(x, w, **options)
    return lambda: library.grad(y, wanted, g, retain_graph=True)[0]


def build_jax(shape: Shape, direction: str, weights: Any, toy: bool) -> Callable[[], Any]:
    """One direction, jitted."""
    import jax
    import jax.numpy as jnp
    from jax import lax

    shape = shape.toy() if toy else shape
    x, w, g = map(jnp.asarray, shape.arrays())
    p = shape.padding

    def conv(x: Any, w: Any) -> Any:
        return lax.conv_general_dilated(x, w, (shape.stride,) * 2, [(p, p)] * 2, feature_group_count=shape.groups)

    if direction == "forward":
        forward = jax.jit(conv)
        return lambda: forward(x, w)
    which = 0 if direction == "data" else 1
    pull = jax.jit(lambda x, w, g: jax.vjp(conv, x, w)[1](g)[which])  # the other one is dropped by the compiler
    return lambda: pull(x, w, g)


def _case(shape: Shape, direction: str) -> Case:
    n, c, h = shape.images
    what = (
        f"({n}, {c}, {h}, {h}), {shape.filters} filters {shape.size}x{shape.size}, stride {shape.stride}, "
        f"padding {shape.padding}, groups {shape.groups}: {DIRECTIONS[direction]}"
    )
    alone = dict.fromkeys(("wengert.compile", "torch.compile"), "one operation, nothing to compile")
    return Case(
        f"conv-{shape.name}-{direction}", what, "convolution", partial(build, shape, direction),
        {"jax": partial(build_jax, shape, direction)}, Work(shape.flops()), images=True, without=alone,
    )  # fmt: skip


CASES = [_case(shape, direction) for shape in SHAPES for direction in DIRECTIONS]
