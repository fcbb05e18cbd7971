"""Files from the network: checked against a hash, resumed where a download broke off, in place only when whole."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from ..errors import DataError

_PIECE = 1 << 20
_TIMEOUT = 30  # seconds without a byte


def download(urls: Sequence[str], path: Path, sha256: str) -> Path:
    """The file at `path`, fetched from the first of `urls` that gives the content with this hash.

    What has arrived waits in ``<path>.part``; a later call asks the server for the rest only.  A wrong hash removes it.
    Raises DataError with the reason for each address.
    """
    if path.exists() and digest(path) == sha256:
        return path
    part = path.with_name(path.name + ".part")
    reasons = []
    for url in urls:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _fetch(url, part)
        except (URLError, HTTPException, OSError) as error:
            reasons.append(f"{url}: {getattr(error, 'reason', None) or error}")
            continue
        found = digest(part)
        if found == sha256:
            os.replace(part, path)
            return path
        part.unlink()
        reasons.append(f"{url}: SHA-256 {found[:16]}..., expected {sha256[:16]}...")
    raise DataError(f"{path.name} could not be downloaded to {path.parent}:\n  " + "\n  ".join(reasons))


def digest(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _fetch(url: str, part: Path) -> None:
    """Append to `part` what it lacks; start again where the server will not give a range."""
    have = part.stat().st_size if part.exists() else 0
    request = Request(url, headers={"User-Agent": "wengert", **({"Range": f"bytes={have}-"} if have else {})})
    try:
        response = urlopen(request, timeout=_TIMEOUT)
    except HTTPError as error:
        if have and error.code == 416:  # nothing beyond what we have: the hash decides whether that is the file
            return
        raise
    with response, part.open("ab" if response.status == 206 else "wb") as file:
        while piece := response.read(_PIECE):
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
