"""ResNet-20 (He et al., 2016, section 4.2) on 3x32x32 images, batch 32, SGD with momentum: a training step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..case import Case, Work
from ..steps import training


def _block(nn: Any, n: int, m: int, stride: int) -> Any:
    class Block(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.residual = nn.Sequential(
                nn.Conv2d(n, m, 3, stride, 1, bias=False), nn.BatchNorm2d(m), nn.ReLU(),
                nn.Conv2d(m, m, 3, 1, 1, bias=False), nn.BatchNorm2d(m),
            )  # fmt: skip
            shortcut = nn.Sequential(nn.Conv2d(n, m, 1, stride, bias=False), nn.BatchNorm2d(m))
            self.shortcut = nn.Identity() if n == m else shortcut
            self.relu = nn.ReLU()

        def forward(self, x: Any) -> Any:
            return self.relu(self.residual(x) + self.shortcut(x))

    return Block()


def model(nn: Any, depth: int) -> Any:
    """Three stages of `depth` blocks, of 16, 32 and 64 channels."""
    layers = [nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
    for n, m, stride in (16, 16, 1), (16, 32, 2), (32, 64, 2):
        layers += [_block(nn, n if i == 0 else m, m, stride if i == 0 else 1) for i in range(depth)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def build(library: Any, toy: bool) -> Callable[[], Any]:
    """The step, for a library with PyTorch's names."""
    torch, nn, optim = library.torch, library.nn, library.optim
    batch, size, depth = (2, 8, 1) if toy else (32, 32, 3)
    torch.manual_seed(0)
    net = library.laid_out(model(nn, depth))
    rng = np.random.default_rng(0)
    x = library.laid_out(torch.from_numpy(rng.standard_normal((batch, 3, size, size)).astype(np.float32)))
    y = torch.from_numpy(rng.integers(0, 10, batch))
    criterion = nn.CrossEntropyLoss()
    optimizer = optim.SGD(net.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4)
    return training(optimizer, library.compile(lambda x, y: criterion(net(x), y)), x, y)


_STEM, _STAGE = 1024 * 16 * 27, 1024 * 16 * 16 * 9  # multiply-adds of the first layer, and of one of the first stage
_IMAGE = _STEM + 6 * _STAGE + 2 * (5.5 * _STAGE + 16 * 16 * 16 * 32)  # a stage begins with half a layer and a shortcut

CASES = [
    Case("resnet-20", "ResNet-20, 3x32x32, batch 32, SGD with momentum", "training", build,
         work=Work(32 * 2.0 * (3 * _IMAGE - _STEM)), images=True)
]  # fmt: skip
