"""Numbers with units, as people write them."""

from __future__ import annotations


def quantity(x: float, unit: str = "") -> str:
    """Three digits and a prefix.

    >>> quantity(12345), quantity(2e9, "B")
    ('12.3 k', '2 GB')
    """
    for factor, prefix in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if x >= 0.9995 * factor:
            return f"{x / factor:.3g} {prefix}{unit}"
    return f"{x:.3g} {unit}".strip()


def size(n: float) -> str:
    """Bytes, in units of a thousand.

    >>> size(1500)
    '1.5 kB'
    """
    return quantity(n, "B")


def seconds(t: float) -> str:
    """A time with its unit.

    >>> seconds(1.23e-5)
    '12.3 µs'
    """
    for factor, unit in ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns")):
        if t >= 0.9995 * factor:
            return f"{t / factor:.3g} {unit}"
    return "< 1 ns" if t else "0 ns"
