"""Text, character by character, for language models."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ArgumentError, DataError
from ..random import Generator, default_generator
from ..recording import no_grad
from ..tensor import Tensor, wrap
from .dataset import TensorDataset


class CharText(TensorDataset):
    """The characters of a text as windows: sample i is (input, target), both int64 (length,), target one character on.

    Windows do not overlap: input i is characters i L to (i + 1) L - 1, and its target i L + 1 to (i + 1) L.
    The text is that of a file in `encoding`, or `text` itself, or, if neither is given, Python's own documentation
    (`pydoc_data.topics`), which differs a little between versions of Python: with `sha256` a text of another hash is an
    error.  `vocabulary` is the sorted characters of the text unless it is given.

    >>> text = CharText(text="abracadabra", length=5)
    >>> text.vocabulary, len(text)
    ('abcdr', 2)
    >>> text[1]
    (tensor([0, 3, 0, 1, 4]), tensor([3, 0, 1, 4, 0]))
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        length: int = 64,
        *,
        text: str | None = None,
        vocabulary: str | None = None,
        encoding: str = "utf-8",
        sha256: str | None = None,
    ) -> None:
        if path is not None and text is not None:
            raise ArgumentError("CharText: give path or text, not both")
        if length < 1:
            raise ArgumentError(f"length: expected at least 1 character per window, got {length}")
        name = path or ("text" if text is not None else "Python's documentation topics")
        if text is None:
            text = python_topics() if path is None else _read(Path(path), encoding)
        self.sha256 = hashlib.sha256(text.encode()).hexdigest()
        if sha256 is not None and sha256 != self.sha256:
            raise DataError(f"{name}: the text has the SHA-256 {self.sha256}, expected {sha256}")
        if len(text) <= length:
            raise DataError(f"{name}: {len(text)} characters are too few for one window of {length} and its target; "
                            f"give a longer text or a smaller length")  # fmt: skip
        self.text, self.length = text, length
        self.vocabulary = "".join(sorted(set(text))) if vocabulary is None else vocabulary
        self._points = np.array([ord(c) for c in self.vocabulary], np.uint32)
        if len(set(self.vocabulary)) != len(self.vocabulary):
            raise ArgumentError("vocabulary: each character may occur only once")
        codes, n = self.encode(text).array, (len(text) - 1) // length
        super().__init__(*(wrap(codes[shift : n * length + shift].reshape(n, length)) for shift in (0, 1)))

    @property
    def classes(self) -> list[str]:
        """The characters, in the order of their codes."""
        return list(self.vocabulary)

    def encode(self, text: str) -> Tensor:
        """The codes of the characters of `text`, int64 (len(text),).

        >>> CharText(text="hello", length=2).encode("hole")
        tensor([1, 3, 2, 0])
        """
        points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
        order = np.argsort(self._points)
        found = order[np.searchsorted(self._points, points, sorter=order).clip(max=len(order) - 1)]
        strange = np.flatnonzero(self._points[found] != points)
        if strange.size:
            i = int(strange[0])
            raise DataError(
                f"text: {text[i]!r} at position {i} is not in the vocabulary of {len(self.vocabulary)} characters"
            )
        return wrap(found.astype(np.int64))

    def decode(self, codes: Tensor | Iterable[int]) -> str:
        """The text of these codes.

        >>> CharText(text="hello", length=2).decode([1, 3, 2, 0])
        'hole'
        """
        numbers = np.asarray(codes.array if isinstance(codes, Tensor) else list(codes)).ravel()
        if numbers.size and not (
            numbers.dtype.kind in "iu" and 0 <= numbers.min() <= numbers.max() < len(self.vocabulary)
        ):
            raise ArgumentError(f"codes: expected integers from 0 to {len(self.vocabulary) - 1}, got {numbers.dtype} "
                                f"from {numbers.min()} to {numbers.max()}")  # fmt: skip
        return "".join(self.vocabulary[i] for i in numbers)

    def split(self, held_out: float = 0.1) -> tuple[CharText, CharText]:
        """(training, validation): the beginning of the text, and its last share, in one vocabulary.

        >>> train, valid = CharText(text="abcd" * 25, length=4).split(0.2)
        >>> len(train.text), len(valid.text), valid.vocabulary
        (80, 20, 'abcd')
        """
        if not 0 < held_out < 1:
            raise ArgumentError(f"held_out: expected a share between 0 and 1, got {held_out}")
        cut = len(self.text) - round(len(self.text) * held_out)
        train, valid = (
            CharText(length=self.length, text=part, vocabulary=self.vocabulary)
            for part in (self.text[:cut], self.text[cut:])
        )
        return train, valid

    def streams(self, batch_size: int) -> list[list[int]]:
        """Indices of batches in which row b goes on where row b of the batch before ended; a ``batch_sampler``.

        So a recurrent state can be carried from batch to batch.  The last windows that fill no row are left out.

        >>> CharText(text="abcdefghijklm", length=2).streams(2)
        [[0, 3], [1, 4], [2, 5]]
        """
        steps = len(self) // batch_size if batch_size > 0 else 0
        if not steps:
            raise ArgumentError(f"batch_size: {batch_size} rows need as many windows, and there are {len(self)}")
        return [[row * steps + step for row in range(batch_size)] for step in range(steps)]

    def sample(
        self,
        model: Callable[[Tensor], Any],
        length: int,
        prompt: str = "",
        temperature: float = 1.0,
        generator: Generator | None = None,
    ) -> str:
        """`length` characters written by `model`, a map from codes (1, T) to logits (1, T, V), after `prompt`.

        Each character is drawn from softmax(logits / temperature) at the last position; the model sees the last
        `self.length` characters.  An empty prompt starts from the text's own first character.
        """
        generator = generator or default_generator
        codes = self.encode(prompt or self.text[0]).array.tolist()
        start = len(codes)
        with no_grad():
            for u in generator.rand(length, dtype=np.float64).tolist():
                logits = model(wrap(np.array([codes[-self.length :]], np.int64))).array[0, -1].astype(np.float64)
                weights = np.exp((logits - logits.max()) / temperature)
                cumulative = np.cumsum(weights)
                codes.append(int(np.searchsorted(cumulative, u * cumulative[-1], side="right")))
        return self.decode(codes[start:])


def python_topics() -> str:
    """The topics of Python's ``help()``, about 465,000 characters of English and code, in alphabetical order."""
    from pydoc_data.topics import topics

    return "\n\n".join(topics[name] for name in sorted(topics))


def _read(path: Path, encoding: str) -> str:
    try:
        return path.read_text(encoding)
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: byte {error.start} is not {encoding}; give the file's own encoding=...") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error
