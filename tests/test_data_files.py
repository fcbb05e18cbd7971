"""Real sets: IDX files, downloads, digits and folders of images, whole, missing and damaged."""

from __future__ import annotations

import gzip
import hashlib
import io
import struct
from urllib.error import HTTPError, URLError

import numpy as np
import pytest

import autograd
from autograd import data
from autograd.data import idx_images
from autograd.data.download import download
from autograd.errors import ArgumentError, DataError

# -- IDX files --------------------------------------------------------------------------------------------------------


def idx(array, code=8):
    """An IDX file's content."""
    return bytes([0, 0, code, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


@pytest.mark.parametrize(
    ("code", "stored", "given"),
    [(8, "u1", "u1"), (9, "i1", "i1"), (11, ">i2", "i2"), (12, ">i4", "i4"), (13, ">f4", "f4"), (14, ">f8", "f8")],
)
def test_idx_types(tmp_path, code, stored, given):
    array = np.arange(6).reshape(2, 3).astype(stored)
    (tmp_path / "a").write_bytes(idx(array, code))
    (tmp_path / "b").write_bytes(gzip.compress(idx(array, code)))
    for name in "ab":
        read = data.read_idx(tmp_path / name)
        assert read.dtype == np.dtype(given)
        assert read.tolist() == array.tolist()
        read[0, 0] = 5  # writable, as any array one has made


WHOLE = idx(np.arange(200, dtype=np.uint8).reshape(20, 10))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "nothing"),
        (b"\x89PNG", "89 50 4e 47"),
        (WHOLE[:7], "within its header"),
        (WHOLE[:-1], "200 bytes, but only 199"),
        (WHOLE + b"x", "more data"),
        (gzip.compress(WHOLE)[:-12], "damaged or cut short"),
        (gzip.compress(WHOLE)[:30] + b"\xff\xff" + gzip.compress(WHOLE)[32:], "damaged or cut short"),
        (b"\x1f\x8b\x09", "damaged or cut short"),
        (bytes([0, 0, 8, 3]) + b"\xff" * 12, "cut short"),
    ],
    ids=["empty", "png", "header", "short", "long", "gzip-short", "gzip-bad", "gzip-header", "terabytes"],
)
def test_damaged_idx(tmp_path, content, says):
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(DataError, match=says) as caught:
        data.read_idx(path)
    assert str(path) in str(caught.value)
    assert path.read_bytes() == content


def test_missing_idx(tmp_path):
    with pytest.raises(DataError, match="No such file"):
        data.read_idx(tmp_path / "none")
    with pytest.raises(DataError, match="directory"):
        data.read_idx(tmp_path)


# -- MNIST and its like -----------------------------------------------------------------------------------------------

IMAGES = np.arange(3 * 28 * 28).reshape(3, 28, 28).astype(np.uint8)
LABELS = np.array([9, 0, 4], np.uint8)
NAMES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte")


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    """An empty data folder, no system folder, no network."""
    monkeypatch.setenv("WENGERT_DATA", str(tmp_path / "data"))
    for name in ("_FASHION", "_MNIST"):
        source = getattr(idx_images, name)
        monkeypatch.setattr(idx_images, name, type(source)(**{**vars(source), "system": str(tmp_path / "system")}))
    refuse(monkeypatch, URLError("no route to host"))
    return tmp_path


def refuse(monkeypatch, error):
    def urlopen(request, timeout=None):
        raise error

    monkeypatch.setattr("autograd.data.download.urlopen", urlopen)


def put(folder, images=IMAGES, labels=LABELS, suffix=""):
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in zip(NAMES, (images, labels)):
        content = idx(array)
        (folder / f"{name}{suffix}").write_bytes(gzip.compress(content) if suffix else content)


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("place", ["data", "data/fashion-mnist", "data/FashionMNIST/raw", "system"])
def test_fashion_mnist_is_found(nowhere, place, suffix):
    put(nowhere / place, suffix=suffix)
    clothes = data.fashion_mnist()
    assert clothes.images.shape == (3, 1, 28, 28)
    assert clothes.images.dtype == autograd.float32
    assert clothes.images.array[0, 0, 0, 7] == np.float32(7) / np.float32(255)
    assert clothes.labels.dtype == autograd.int64
    assert clothes.labels.tolist() == [9, 0, 4]
    assert clothes.classes[9] == "Ankle boot"


def test_mnist_from_a_folder_with_a_transform(nowhere):
    put(nowhere / "mine")
    digits = data.mnist(nowhere / "mine", transform=lambda image: image.reshape(-1))
    image, label = digits[2]
    assert image.shape == (784,)
    assert label.item() == 4
    assert next(iter(data.DataLoader(digits, 3)))[0].shape == (3, 784)


def test_a_missing_set_says_all_three_ways(nowhere):
    with pytest.raises(DataError) as caught:
        data.fashion_mnist()
    text = str(caught.value)
    for hint in (str(nowhere / "data"), "root=", "apt install dataset-fashion-mnist", "download=True"):
        assert hint in text
    put(nowhere / "mine")
    with pytest.raises(DataError, match="t10k"):
        data.mnist(nowhere / "mine", train=False)


@pytest.mark.parametrize(
    ("images", "labels", "says"),
    [
        (IMAGES[:2], LABELS, r"\[2, 28, 28\]"),
        (IMAGES[0], LABELS, r"\[28, 28\]"),
        (IMAGES, LABELS + 1, "1 to 10"),
        (IMAGES[:0], LABELS[:0], r"\[0\]"),
    ],
)
def test_files_that_do_not_belong_together(nowhere, images, labels, says):
    put(nowhere / "mine", images, labels)
    with pytest.raises(DataError, match=says):
        data.mnist(nowhere / "mine")


# -- downloads --------------------------------------------------------------------------------------------------------

CONTENT = bytes(range(256)) * 20
SHA = hashlib.sha256(CONTENT).hexdigest()


class Reply(io.BytesIO):
    def __init__(self, content, status=200):
        super().__init__(content)
        self.status = status


class Server:
    """Answers like urlopen; breaks off after `breaks` bytes in its first answer; keeps what was asked."""

    def __init__(self, content=CONTENT, breaks=None, ranges=True):
        self.content, self.breaks, self.ranges, self.asked = content, breaks, ranges, []

    def __call__(self, request, timeout=None):
        wanted = request.get_header("Range")
        self.asked.append((request.full_url, wanted))
        start = int(wanted[6:-1]) if wanted and self.ranges else 0
        if start and start >= len(self.content):
            raise HTTPError(request.full_url, 416, "Range Not Satisfiable", {}, io.BytesIO())
        reply = Reply(self.content[start:], 206 if start else 200)
        if self.breaks is not None:
            reply.read, self.breaks = _breaking(reply.read, self.breaks), None
        return reply


def _breaking(read, after):
    pieces = iter([after])

    def read_once(n):
        for size in pieces:
            return read(size)
        raise ConnectionResetError("connection reset by peer")

    return read_once


def serve(monkeypatch, **options):
    server = Server(**options)
    monkeypatch.setattr("autograd.data.download.urlopen", server)
    return server


def test_download(tmp_path, monkeypatch):
    server = serve(monkeypatch)
    path = tmp_path / "new" / "file"
    for _ in range(2):
        assert download(["http://a/f"], path, SHA) == path
    assert path.read_bytes() == CONTENT
    assert server.asked == [("http://a/f", None)]  # the second time it was there
    assert [p.name for p in path.parent.iterdir()] == ["file"]


@pytest.mark.parametrize("ranges", [True, False])
def test_a_broken_download_is_resumed(tmp_path, monkeypatch, ranges):
    server = serve(monkeypatch, breaks=1000, ranges=ranges)
    path = tmp_path / "file"
    with pytest.raises(DataError, match="reset by peer"):
        download(["http://a/f"], path, SHA)
    assert not path.exists()
    assert (tmp_path / "file.part").read_bytes() == CONTENT[:1000]
    assert download(["http://a/f"], path, SHA).read_bytes() == CONTENT
    assert server.asked[1] == ("http://a/f", "bytes=1000-")


def test_a_part_that_is_whole_already(tmp_path, monkeypatch):
    serve(monkeypatch)
    (tmp_path / "file.part").write_bytes(CONTENT)
    assert download(["http://a/f"], tmp_path / "file", SHA).read_bytes() == CONTENT


def test_a_wrong_hash_is_refused_and_the_old_file_stays(tmp_path, monkeypatch):
    server = serve(monkeypatch, content=b"<html>not found</html>")
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(DataError, match="SHA-256") as caught:
        download(["http://a/f", "http://b/f"], path, SHA)
    assert [url for url, _ in server.asked] == ["http://a/f", "http://b/f"]
    assert "http://a/f" in str(caught.value)
    assert "http://b/f" in str(caught.value)
    assert path.read_bytes() == b"old"
    assert not (tmp_path / "file.part").exists()


def test_no_network(nowhere):
    with pytest.raises(DataError, match="no route to host") as caught:
        data.fashion_mnist(download=True)
    assert "train-images-idx3-ubyte.gz" in str(caught.value)


def test_download_of_a_set(nowhere, monkeypatch):
    files = {f"{name}.gz": gzip.compress(idx(array)) for name, array in zip(NAMES, (IMAGES, LABELS))}
    source = idx_images._MNIST
    sha = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    monkeypatch.setattr(idx_images, "_MNIST", type(source)(**{**vars(source), "sha256": sha}))
    monkeypatch.setattr(
        "autograd.data.download.urlopen", lambda request, timeout: Reply(files[request.full_url.rsplit("/")[-1]])
    )
    assert data.mnist(download=True).labels.tolist() == [9, 0, 4]
    refuse(monkeypatch, URLError("asked again"))
    assert len(data.mnist(download=True)) == 3
    assert data.data_folder() == nowhere / "data"


# -- digits -----------------------------------------------------------------------------------------------------------


def test_digits():
    pytest.importorskip("sklearn")
    train, test = data.digits(), data.digits(train=False)
    assert (len(train), len(test)) == (1442, 355)
    assert train.images.shape == (1442, 1, 8, 8)
    assert train.images.dtype == autograd.float32
    assert train.labels.dtype == autograd.int64
    assert train.images.array.min() == 0
    assert train.images.array.max() == 1
    assert train.classes == list("0123456789")
    shares = np.bincount(test.labels.array) / (np.bincount(test.labels.array) + np.bincount(train.labels.array))
    assert (abs(shares - 0.2) < 0.006).all()  # a fifth of each class, rounded down: 177 of a class give 35
    together = {image.tobytes() for image in train.images.array} & {image.tobytes() for image in test.images.array}
    assert not together


# -- folders ----------------------------------------------------------------------------------------------------------


def test_folder_of_arrays_and_pictures(tmp_path):
    image = pytest.importorskip("PIL.Image")
    for name in ("b", "a", ".hidden"):
        (tmp_path / name).mkdir()
    (tmp_path / "a" / "notes.txt").write_text("no image")
    (tmp_path / "a" / "deep").mkdir()
    np.save(tmp_path / "a" / "deep" / "1.npy", np.full((2, 4, 5), 0.5))
    grey, colour = np.full((4, 5), 51, np.uint8), np.zeros((4, 5, 3), np.uint8)
    colour[..., 2] = 255
    image.fromarray(grey).save(tmp_path / "b" / "1.png")
    image.fromarray(colour).save(tmp_path / "b" / "2.PNG")
    image.fromarray(grey.astype(np.uint16) * 257).save(tmp_path / "b" / "3.png")
    folder = data.FolderDataset(tmp_path)
    assert folder.classes == ["a", "b"]
    assert folder.class_to_idx == {"a": 0, "b": 1}
    assert folder.targets == [0, 1, 1, 1]
    assert [tuple(folder[i][0].shape) for i in range(4)] == [(2, 4, 5), (1, 4, 5), (3, 4, 5), (1, 4, 5)]
    assert folder[0][0].array[0, 0, 0] == 0.5
    assert folder[1][0].array[0, 0, 0] == folder[3][0].array[0, 0, 0] == np.float32(0.2)
    assert folder[2][0].array[:, 1, 1].tolist() == [0, 0, 1]
    assert folder[3][1].dtype == autograd.int64
    assert all(x.dtype == autograd.float32 for x, _ in folder)
    assert data.FolderDataset(tmp_path, channels=3)[1][0].shape == (3, 4, 5)
    assert data.FolderDataset(tmp_path, channels=1)[2][0].shape == (1, 4, 5)
    assert data.FolderDataset(tmp_path, transform=lambda x: x.sum())[0][0].item() == 20


def test_folders_that_will_not_do(tmp_path):
    with pytest.raises(DataError, match="no such folder"):
        data.FolderDataset(tmp_path / "none")
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="not a folder"):
        data.FolderDataset(tmp_path / "file")
    with pytest.raises(DataError, match="no sub-folders"):
        data.FolderDataset(tmp_path)
    (tmp_path / "a").mkdir()
    with pytest.raises(DataError, match="no images"):
        data.FolderDataset(tmp_path)
    with pytest.raises(ArgumentError, match="channels"):
        data.FolderDataset(tmp_path, channels=2)


@pytest.mark.parametrize("name", ["x.png", "x.jpg", "x.npy"])
def test_damaged_images(tmp_path, name):
    pytest.importorskip("PIL")
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / name).write_bytes(b"\x89PNG\r\n\x1a\n garbage")
    with pytest.raises(DataError, match=name):
        data.FolderDataset(tmp_path)[0]


def test_an_array_of_the_wrong_kind(tmp_path):
    (tmp_path / "a").mkdir()
    np.save(tmp_path / "a" / "x.npy", np.zeros(3))
    with pytest.raises(DataError, match=r"\[3\]"):
        data.FolderDataset(tmp_path)[0]
