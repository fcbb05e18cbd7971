"""A DCGAN (Radford et al., 2016) on 3x32x32 images, batch 32: one step of the discriminator, one of the generator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..case import Case


def generator(nn: Any, noise: int, width: int) -> Any:
    """Noise (N, noise, 1, 1) to images in [-1, 1]."""
    layers: list[Any] = [nn.ConvTranspose2d(noise, 4 * width, 4, bias=False), nn.BatchNorm2d(4 * width), nn.ReLU()]
    for n in (4 * width, 2 * width):
        layers += [nn.ConvTranspose2d(n, n // 2, 4, 2, 1, bias=False), nn.BatchNorm2d(n // 2), nn.ReLU()]
    return nn.Sequential(*layers, nn.ConvTranspose2d(width, 3, 4, 2, 1, bias=False), nn.Tanh())


def discriminator(nn: Any, width: int) -> Any:
    """Images to logits: is it a real one?"""
    layers: list[Any] = [nn.Conv2d(3, width, 4, 2, 1, bias=False), nn.LeakyReLU(0.2)]
    for n in (width, 2 * width):
        layers += [nn.Conv2d(n, 2 * n, 4, 2, 1, bias=False), nn.BatchNorm2d(2 * n), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, nn.Conv2d(4 * width, 1, 4, bias=False), nn.Flatten())


def build(library: Any, toy: bool) -> Callable[[], Any]:
    """Both steps, for a library with PyTorch's names; the sum of the two losses."""
    torch, nn, optim = library.torch, library.nn, library.optim
    batch, noise, width = (2, 5, 2) if toy else (32, 100, 32)
    torch.manual_seed(0)
    g, d = (library.laid_out(net) for net in (generator(nn, noise, width), discriminator(nn, width)))
    for_g, for_d = (optim.Adam(net.parameters(), lr=2e-4, betas=(0.5, 0.999)) for net in (g, d))
    rng = np.random.default_rng(0)
    real = library.laid_out(torch.from_numpy(rng.uniform(-1, 1, (batch, 3, 32, 32)).astype(np.float32)))
    z = torch.from_numpy(rng.standard_normal((batch, noise, 1, 1)).astype(np.float32))
    yes, no = torch.ones(batch, 1), torch.zeros(batch, 1)
    criterion = nn.BCEWithLogitsLoss()
    # functions of their own: torch.compile takes two Sequentials for one function of changing shapes, and fails
    make, judge = library.compile(lambda z: g(z)), library.compile(lambda x: d(x))

    def step() -> Any:
        fake = make(z)
        for_d.zero_grad()
        loss_d = criterion(judge(real), yes) + criterion(judge(fake.detach()), no)
        loss_d.backward()
        for_d.step()
        for_g.zero_grad()
        loss_g = criterion(judge(fake), yes)
        loss_g.backward()
        for_g.step()
        return loss_d.detach() + loss_g.detach()

    return step


CASES = [
    Case("dcgan", "DCGAN 3x32x32, batch 32, Adam: a step of the discriminator and one of the generator", "training",
         build, images=True)
]  # fmt: skip
