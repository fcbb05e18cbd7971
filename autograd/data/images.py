"""Labelled images in memory, and the ones that need no download: scikit-learn's digits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import DataError
from ..tensor import Tensor, wrap
from .dataset import TensorDataset


class ImageDataset(TensorDataset):
    """Labelled images: float32 (N, C, H, W) in [0, 1] and int64 (N,), with the names of the classes.

    `transform`, if given, is applied to the image of each sample as it is taken.
    """

    def __init__(
        self, images: Tensor, labels: Tensor, classes: Sequence[str], transform: Callable[[Tensor], Any] | None = None
    ) -> None:
        super().__init__(images, labels)
        self.classes, self.transform = list(classes), transform

    @property
    def images(self) -> Tensor:
        """All images, (N, C, H, W)."""
        return self.tensors[0]

    @property
    def labels(self) -> Tensor:
        """All labels, (N,)."""
        return self.tensors[1]

    def __getitem__(self, index: Any) -> tuple[Any, ...]:
        image, label = super().__getitem__(index)
        return (image if self.transform is None else self.transform(image)), label

    def gather(self, indices: Sequence[int]) -> list[Tensor] | None:
        """As for any TensorDataset, unless each image is to be transformed."""
        return super().gather(indices) if self.transform is None else None


def digits(train: bool = True, transform: Callable[[Tensor], Any] | None = None) -> ImageDataset:
    """Handwritten digits, 8 x 8: 1,442 to train on, 355 to test; needs the package scikit-learn, and no network.

    The split is fixed and stratified: every fifth image of each digit, in the set's own order, is for the test.
    Source: E. Alpaydin and C. Kaynak, *Optical Recognition of Handwritten Digits*, UCI repository, 1998, test part.

    >>> images, labels = digits(train=False).tensors
    >>> images.shape, labels.shape
    (Size([355, 1, 8, 8]), Size([355]))
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise DataError("digits come with scikit-learn, which is not installed: pip install scikit-learn") from None
    pixels, labels = load_digits(return_X_y=True)
    chosen = _every_fifth_of_each_class(labels) != train
    images = (pixels[chosen] / 16).astype(np.float32).reshape(-1, 1, 8, 8)
    return ImageDataset(wrap(images), wrap(labels[chosen].astype(np.int64)), [str(i) for i in range(10)], transform)


def _every_fifth_of_each_class(labels: np.ndarray) -> np.ndarray:
    """A mask over `labels`."""
    mask = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        mask[np.flatnonzero(labels == label)[4::5]] = True
    return mask
