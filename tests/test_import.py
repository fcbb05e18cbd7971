"""Importing: another distribution's `autograd` is recognised, and nothing needs Numba."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def run(program: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", "-c", program]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=120)


@pytest.mark.parametrize("package", ["nn", "optim"])
def test_another_autograd_is_recognised(package, tmp_path):
    """The index has another distribution that installs a package `autograd`; its place here is taken by a stranger."""
    (tmp_path / "autograd").mkdir()
    (tmp_path / "autograd" / "__init__.py").write_text("def grad(f): ...\n")
    (tmp_path / package).symlink_to(ROOT / package)
    outcome = run(f"import {package}", tmp_path)
    assert outcome.returncode == 1
    last = outcome.stderr.strip().splitlines()[-1]
    assert last.startswith(f"ImportError: {package} needs Wengert's package `autograd`"), outcome.stderr
    assert str(tmp_path / "autograd") in last
    assert "pip uninstall -y autograd" in last


WITHOUT_NUMBA = """
import sys
sys.modules["numba"] = None  # from here on `import numba` raises ImportError

import autograd, nn, optim
from nn import functional as F

autograd.manual_seed(0)

def train(model, x, optimiser, steps):
    y = autograd.arange(len(x)) % 3
    losses = []
    for _ in range(steps):
        optimiser.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.7 * losses[0], losses

mlp = nn.Sequential(nn.Linear(8, 32), nn.LayerNorm(32), nn.Tanh(), nn.Linear(32, 3))
train(mlp, autograd.randn(12, 8), optim.Adam(mlp.parameters(), lr=0.02), 20)

body = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2))
net = nn.Sequential(body, nn.Flatten(), nn.Linear(36, 3))
train(net, autograd.randn(12, 1, 6, 6), optim.SGD(net.parameters(), lr=0.2, momentum=0.9), 20)

x = autograd.randn(300, 400, requires_grad=True)  # large enough for any kernel that would be compiled
(F.gelu(x).softmax(-1) * x.exp().cumsum(0)).sum().backward()
assert bool(x.grad.isfinite().all())
images = autograd.randn(16, 16, 32, 32, requires_grad=True)
F.max_pool2d(F.conv2d(images, autograd.randn(32, 16, 3, 3)), 2).sum().backward()
assert bool(images.grad.isfinite().all())
for rule in (optim.SGD, optim.Adam, optim.RMSprop):
    rule([images], lr=0.1).step()

@autograd.compile(fullgraph=True)
def step(x, y):
    optimiser.zero_grad()
    loss = F.cross_entropy(model(x), y)
    loss.backward()
    optimiser.step()
    return loss

model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 3))
optimiser = optim.Adam(model.parameters(), lr=0.02)
x, y = autograd.randn(12, 8), autograd.arange(12) % 3
losses = [step(x, y).item() for _ in range(20)]
assert losses[-1] < losses[0], losses
assert "interpreted" in str(step.explain()), step.explain()
assert len(step.program.equations) > 20
"""


def test_everything_works_without_numba():
    """A smoke suite: an MLP and a convolutional net learn, and large elementwise chains differentiate."""
    outcome = run(WITHOUT_NUMBA)
    assert outcome.returncode == 0, outcome.stderr
