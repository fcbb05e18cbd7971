"""MNIST and Fashion-MNIST: images that come as four IDX files.

Sources: Y. LeCun, C. Cortes, C. Burges, *The MNIST database of handwritten digits*, 1998; H. Xiao, K. Rasul,
R. Vollgraf, *Fashion-MNIST*, arXiv:1708.07747, 2017.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DataError
from ..tensor import Tensor, wrap
from .download import download as fetch
from .idx import read_idx
from .images import ImageDataset


@dataclass(frozen=True)
class _Source:
    """Where the four files of a set can be, and what they must contain."""

    name: str
    folders: tuple[str, ...]  # below a data folder; the last is how torchvision lays them out
    system: str  # where a package of the operating system puts them
    package: str
    urls: tuple[str, ...]
    sha256: dict[str, str]
    classes: tuple[str, ...]


_FASHION = _Source(
    name="fashion_mnist",
    folders=("", "fashion-mnist", "FashionMNIST/raw"),
    system="/usr/share/datasets/fashion-mnist",
    package="dataset-fashion-mnist",
    urls=(
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    ),
    sha256={
        "train-images-idx3-ubyte.gz": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        "train-labels-idx1-ubyte.gz": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        "t10k-images-idx3-ubyte.gz": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        "t10k-labels-idx1-ubyte.gz": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
    },
    classes=(
        "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
    ),
)  # fmt: skip

_MNIST = _Source(
    name="mnist",
    folders=("", "mnist", "MNIST/raw"),
    system="/usr/share/datasets/mnist",
    package="",
    urls=("https://storage.googleapis.com/cvdf-datasets/mnist/", "https://ossci-datasets.s3.amazonaws.com/mnist/"),
    sha256={
        "train-images-idx3-ubyte.gz": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        "train-labels-idx1-ubyte.gz": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        "t10k-images-idx3-ubyte.gz": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        "t10k-labels-idx1-ubyte.gz": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
    },
    classes=tuple("0123456789"),
)


def fashion_mnist(
    root: str | os.PathLike[str] | None = None,
    train: bool = True,
    download: bool = False,
    transform: Callable[[Tensor], Any] | None = None,
) -> ImageDataset:
    """Articles of clothing, 28 x 28, ten classes: 60,000 to train on, 10,000 to test.

    The IDX files (gzipped or not) are looked for in `root`; without `root` in the data folder (``$WENGERT_DATA``, else
    ``~/.cache/wengert``) and where Debian's package ``dataset-fashion-mnist`` puts them.  With `download` they are
    fetched if they are nowhere, checked, and a broken download is resumed.  DataError says what is missing or damaged.
    """
    return _load(_FASHION, root, train, download, transform)


def mnist(
    root: str | os.PathLike[str] | None = None,
    train: bool = True,
    download: bool = False,
    transform: Callable[[Tensor], Any] | None = None,
) -> ImageDataset:
    """Handwritten digits, 28 x 28: 60,000 to train on, 10,000 to test; files are found as for `fashion_mnist`."""
    return _load(_MNIST, root, train, download, transform)


def data_folder() -> Path:
    """Where downloaded sets live: ``$WENGERT_DATA``, else ``wengert`` in the user's cache folder."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(os.environ.get("WENGERT_DATA") or cache / "wengert")


def _load(
    source: _Source,
    root: str | os.PathLike[str] | None,
    train: bool,
    download: bool,
    transform: Callable[[Tensor], Any] | None,
) -> ImageDataset:
    part = "train" if train else "t10k"
    names = (f"{part}-images-idx3-ubyte", f"{part}-labels-idx1-ubyte")
    base = data_folder() if root is None else Path(root)
    folders = [base / folder for folder in source.folders] + ([Path(source.system)] if root is None else [])
    files = _find(folders, names)
    if files is None and download:
        into = base / source.folders[1] if root is None else base
        files = [fetch([url + f"{name}.gz" for url in source.urls], into / f"{name}.gz", source.sha256[f"{name}.gz"])
                 for name in names]  # fmt: skip
    if files is None:
        raise DataError(_how_to_get(source, folders, names))
    images, labels = (read_idx(file) for file in files)
    if images.ndim != 3 or images.dtype != np.uint8 or labels.shape != images.shape[:1] or not labels.size:
        raise DataError(f"{files[0]} and {files[1]}: expected N images of bytes and N labels, got {images.dtype} "
                        f"{list(images.shape)} and {labels.dtype} {list(labels.shape)}")  # fmt: skip
    if labels.min() < 0 or labels.max() >= len(source.classes):
        raise DataError(
            f"{files[1]}: labels must be 0 to {len(source.classes) - 1}, found {labels.min()} to {labels.max()}"
        )
    pixels = np.divide(images[:, None], np.float32(255), dtype=np.float32)
    return ImageDataset(wrap(pixels), wrap(labels.astype(np.int64)), source.classes, transform)


def _find(folders: list[Path], names: tuple[str, str]) -> list[Path] | None:
    """The files of these names (with a dot before "idx", too, as some archives unpack), all in one folder."""
    for folder in folders:
        files = []
        for name in names:
            spellings = (name, f"{name}.gz", name.replace("-idx", ".idx"))
            files += [path for path in (folder / spelling for spelling in spellings) if path.is_file()][:1]
        if len(files) == len(names):
            return files
    return None


def _how_to_get(source: _Source, folders: list[Path], names: tuple[str, str]) -> str:
    looked = "\n".join(f"  {folder}" for folder in folders)
    package = f"sudo apt install {source.package}" if source.package else f"put the files into {source.system}"
    return (
        f"{source.name} is not here.  Looked for {names[0]}[.gz] and {names[1]}[.gz] in\n{looked}\n"
        f"Three ways to get it:\n"
        f"  from a folder that has the files:  autograd.data.{source.name}(root='FOLDER')\n"
        f"  from the operating system:         {package}\n"
        f"  from the network:                  autograd.data.{source.name}(download=True)"
    )
