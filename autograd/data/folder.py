"""Images in a folder, one sub-folder for each class."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ArgumentError, DataError
from ..tensor import Tensor, wrap
from .dataset import Dataset

_PICTURES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".ppm", ".pgm", ".pbm", ".tif", ".tiff", ".webp"}
_FULL = {np.dtype(np.uint8): 255, np.dtype(np.uint16): 65535, np.dtype(np.int32): 65535}  # int32: Pillow's 16-bit grey


class FolderDataset(Dataset[tuple[Any, Tensor]]):
    """Pictures and ``.npy`` arrays in ``root/CLASS/...``: sample i is (float32 image (C, H, W) in [0, 1], int64 label).

    The classes are the names of the sub-folders in alphabetical order, the samples the files below them, sorted.  An
    array is (H, W) or (C, H, W): bytes are divided by 255, floats taken as they are.  Pictures are read when asked for,
    and need the package Pillow; `channels` makes all of them grey (1) or coloured (3), otherwise they stay what they
    are.  `transform` is applied to each image.  Raises DataError where a folder or a file is missing, empty or damaged.

    >>> import tempfile
    >>> root = Path(tempfile.mkdtemp())
    >>> for name in ("cat", "dog"):
    ...     (root / name).mkdir()
    ...     np.save(root / name / "0.npy", np.full((2, 2), 51, np.uint8))
    >>> animals = FolderDataset(root)
    >>> animals.classes, len(animals)
    (['cat', 'dog'], 2)
    >>> image, label = animals[1]
    >>> image
    tensor([[[0.2000, 0.2000],
             [0.2000, 0.2000]]])
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        transform: Callable[[Tensor], Any] | None = None,
        channels: int | None = None,
    ) -> None:
        if channels not in (None, 1, 3):
            raise ArgumentError(f"channels: expected 1 (grey), 3 (colour) or None (as in the file), got {channels!r}")
        self.root, self.transform, self.channels = Path(root), transform, channels
        self.classes, self.samples = _scan(self.root)
        self.class_to_idx = {name: i for i, name in enumerate(self.classes)}
        self.targets = [label for _, label in self.samples]

    def __getitem__(self, index: int) -> tuple[Any, Tensor]:
        path, label = self.samples[index]
        image = wrap(_read_array(path) if path.suffix.lower() == ".npy" else _read_picture(path, self.channels))
        return (image if self.transform is None else self.transform(image)), wrap(np.array(label, np.int64))

    def __len__(self) -> int:
        return len(self.samples)


def _scan(root: Path) -> tuple[list[str], list[tuple[Path, int]]]:
    """The classes below `root`, and each file with the number of its class."""
    if not root.is_dir():
        raise DataError(f"{root}: {'is not a folder' if root.exists() else 'there is no such folder'}")
    try:
        folders = sorted(entry for entry in root.iterdir() if entry.is_dir() and not entry.name.startswith("."))
        files = [sorted(path for path in folder.rglob("*") if _is_image(path)) for folder in folders]
    except OSError as error:
        raise DataError(f"{root}: cannot be read: {error.strerror or error}") from error
    layout = f"expected {root}/CLASS/IMAGE with images in {', '.join(sorted(_PICTURES))} or .npy"
    if not folders:
        raise DataError(f"{root}: has no sub-folders, so no classes; {layout}")
    for folder, found in zip(folders, files):
        if not found:
            raise DataError(f"{folder}: this class has no images; {layout}")
    samples = [(path, label) for label, found in enumerate(files) for path in found]
    return [folder.name for folder in folders], samples


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in _PICTURES | {".npy"} and not path.name.startswith(".")


def _read_picture(path: Path, channels: int | None) -> np.ndarray:
    """(C, H, W) in [0, 1]."""
    try:
        from PIL import Image
    except ImportError:
        raise DataError(f"{path}: reading pictures needs the package Pillow: pip install pillow") from None
    try:
        with Image.open(path) as picture:
            deep = picture.mode in ("I", "F") or picture.mode.startswith("I;16")
            if channels == 3 or (channels is None and not deep and picture.mode not in ("1", "L", "LA")):
                return _scaled(np.asarray(picture.convert("RGB"))).transpose(2, 0, 1).copy()
            return _scaled(np.asarray(picture if deep else picture.convert("L")))[None]
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:  # what Pillow's decoders raise
        raise DataError(f"{path}: cannot be read as a picture: {error}") from error


def _read_array(path: Path) -> np.ndarray:
    """(C, H, W), or what the file has if it is neither that nor (H, W)."""
    try:
        array = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"{path}: cannot be read as an array: {error}") from error
    if array.dtype.kind not in "biuf" or array.ndim not in (2, 3):
        raise DataError(f"{path}: expected numbers (H, W) or (C, H, W), got {array.dtype} {list(array.shape)}")
    return _scaled(array if array.ndim == 3 else array[None])


def _scaled(pixels: np.ndarray) -> np.ndarray:
    return (pixels / np.float32(_FULL.get(pixels.dtype, 1))).astype(np.float32)
