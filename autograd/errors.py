"""Everything Wengert raises on purpose.

::

    WengertError
    ├── ShapeError       (RuntimeError, ValueError)   shapes do not fit together
    ├── DTypeError       (RuntimeError, TypeError)    an element type that the operation does not take
    ├── ArgumentError    (RuntimeError, ValueError, TypeError)   any other unusable argument
    ├── DimensionError   (IndexError)                 a dimension or index out of range
    ├── TapeError        (RuntimeError)               the tape cannot answer: freed, overwritten, not recorded
    ├── CheckpointError  (RuntimeError)               a file that is damaged or does not fit
    ├── CompileError     (RuntimeError)               a function that cannot be one program
    └── DataError        (RuntimeError)               a data set that is missing, damaged or malformed

Each class also descends from the built-in types that NumPy and PyTorch raise in the same place, so that an existing
``except`` clause keeps working.  A message says what was expected, what came (by argument name and shape), and
what to write instead.
"""


class WengertError(Exception):
    """Base of all errors raised on purpose."""


class ShapeError(WengertError, RuntimeError, ValueError):
    """Shapes that do not fit together."""


class DTypeError(WengertError, RuntimeError, TypeError):
    """An element type that the operation does not take."""


class ArgumentError(WengertError, RuntimeError, ValueError, TypeError):
    """An argument whose value or kind is unusable."""


class DimensionError(WengertError, IndexError):
    """A dimension or index out of range."""


class TapeError(WengertError, RuntimeError):
    """The tape cannot answer: it was freed, overwritten or never recorded."""


class CheckpointError(WengertError, RuntimeError):
    """A saved file that is damaged or does not fit the model."""


class CompileError(WengertError, RuntimeError):
    """A function that cannot be recorded as one program, where that was asked for."""


class DataError(WengertError, RuntimeError):
    """A data set that is missing, damaged or malformed."""
