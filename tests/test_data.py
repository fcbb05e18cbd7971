"""Sets, splits, samplers, collation, and the real sets: what they give, and what they say about damaged files."""

from __future__ import annotations

import gzip
import hashlib
import io
import struct
from collections import OrderedDict, namedtuple
from urllib.error import HTTPError, URLError

import numpy as np
import pytest

import autograd
from autograd import data
from autograd.data import idx_images
from autograd.data.download import download
from autograd.errors import ArgumentError, DataError, DimensionError, DTypeError, ShapeError, WengertError
from autograd.random import Generator

Point = namedtuple("Point", "x y")


class Count(data.IterableDataset):
    def __init__(self, n):
        self.n = n

    def __iter__(self):
        return iter(range(self.n))

    def __len__(self):
        return self.n


# -- sets -------------------------------------------------------------------------------------------------------------


def test_tensor_dataset_slices_together():
    x, y = autograd.tensor(np.arange(12.0).reshape(4, 3)), autograd.tensor([3, 2, 1, 0])
    pairs = data.TensorDataset(x, y)
    assert len(pairs) == 4
    assert pairs[2][0].tolist() == [6, 7, 8]
    assert pairs[-1][1].item() == 0
    assert pairs[1:3][1].tolist() == [2, 1]


@pytest.mark.parametrize("tensors", [(), (autograd.tensor(1.0),), (np.zeros(3),)], ids=["none", "0-d", "array"])
def test_tensor_dataset_refuses(tensors):
    with pytest.raises(WengertError, match="tensors"):
        data.TensorDataset(*tensors)


def test_tensor_dataset_refuses_unequal_lengths():
    with pytest.raises(ShapeError, match=r"\[2\], \[3\]"):
        data.TensorDataset(autograd.tensor([1, 2]), autograd.tensor([1, 2, 3]))


def test_concat_and_chain():
    both = data.ConcatDataset(["ab", "", "cde"])
    assert [both[i] for i in range(5)] == list("abcde")
    assert both[-5] == "a"
    assert both.cumulative_sizes == [2, 2, 5]
    for index in (5, -6):
        with pytest.raises(DimensionError, match=str(index)):
            both[index]
    with pytest.raises(ArgumentError, match="ChainDataset"):
        data.ConcatDataset([Count(2)])
    with pytest.raises(ArgumentError, match="IterableDataset"):
        data.ChainDataset(["ab"])
    chain = Count(2) + Count(1)
    assert list(chain) == [0, 1, 0]
    assert len(chain) == 3


def test_stack_dataset():
    named = data.StackDataset(x=[1, 2, 3], y="abc")
    assert named[1] == {"x": 2, "y": "b"}
    assert named.__getitems__([2, 0]) == [{"x": 3, "y": "c"}, {"x": 1, "y": "a"}]
    assert data.StackDataset([1, 2], "ab").__getitems__([1]) == [(2, "b")]
    with pytest.raises(ShapeError, match=r"\[1, 2\]"):
        data.StackDataset([1], "ab")
    with pytest.raises(ArgumentError, match="by name"):
        data.StackDataset([1], y=[1])


def test_subset_of_subset():
    inner = data.Subset("abcdef", [5, 3, 1])
    outer = data.Subset(inner, [2, 0])
    assert list(outer) == ["b", "f"]
    assert outer.__getitems__([1, 0]) == ["f", "b"]


def test_a_set_says_what_it_lacks():
    class Empty(data.Dataset):
        pass

    with pytest.raises(NotImplementedError, match="Empty is a Dataset"):
        Empty()[0]


# -- splits and samplers ----------------------------------------------------------------------------------------------


def test_random_split_is_a_partition():
    parts = data.random_split(range(10), [0.5, 0.25, 0.25], Generator().manual_seed(3))
    assert [len(part) for part in parts] == [6, 2, 2]
    assert sorted(x for part in parts for x in part) == list(range(10))
    again = data.random_split(range(10), [6, 2, 2], Generator().manual_seed(3))
    assert [list(part) for part in parts] == [list(part) for part in again]


@pytest.mark.parametrize("lengths", [[5, 4], [0.5, 0.4], [1.5, -0.5], [2.5, 7.5], []])
def test_random_split_refuses(lengths):
    with pytest.raises(ArgumentError, match="lengths"):
        data.random_split(range(10), lengths)


def test_random_split_warns_of_empty_parts():
    with pytest.warns(UserWarning, match="part 1"):
        data.random_split(range(2), [0.9, 0.1])


def test_random_sampler_beyond_the_length():
    order = list(data.RandomSampler(range(4), num_samples=10))
    assert sorted(order[:4]) == sorted(order[4:8]) == [0, 1, 2, 3]
    assert len(set(order[8:])) == 2
    drawn = list(data.RandomSampler(range(4), replacement=True, num_samples=70))
    assert len(drawn) == 70
    assert set(drawn) == {0, 1, 2, 3}


def test_random_sampler_draws_a_new_order_each_epoch():
    sampler = data.RandomSampler(range(50))
    assert list(sampler) != list(sampler)


def test_weighted_sampler():
    assert set(data.WeightedRandomSampler([0.0, 1.0, 3.0], 200)) == {1, 2}
    counts = np.bincount(list(data.WeightedRandomSampler([1.0, 3.0], 4000)), minlength=2)
    assert abs(counts[1] / 4000 - 0.75) < 5 * np.sqrt(0.75 * 0.25 / 4000)  # five standard errors
    assert sorted(data.WeightedRandomSampler([1.0, 2.0, 3.0], 3, replacement=False)) == [0, 1, 2]
    with pytest.raises(ShapeError, match=r"\[1, 2\]"):
        data.WeightedRandomSampler([[1.0, 2.0]], 1)


def test_batch_sampler():
    assert list(data.BatchSampler(iter(range(5)), 2, False)) == [[0, 1], [2, 3], [4]]
    assert list(data.BatchSampler(iter(range(5)), 2, True)) == [[0, 1], [2, 3]]
    assert [len(data.BatchSampler(range(n), 3, drop)) for n in (6, 7) for drop in (False, True)] == [2, 2, 3, 2]


@pytest.mark.parametrize(
    "make",
    [
        lambda: data.RandomSampler([]),
        lambda: data.RandomSampler([1], num_samples=0),
        lambda: data.RandomSampler([1], replacement=1),
        lambda: data.BatchSampler([1], 0, False),
        lambda: data.BatchSampler([1], True, False),
        lambda: data.BatchSampler([1], 2, None),
        lambda: data.WeightedRandomSampler([1.0], 0),
        lambda: data.WeightedRandomSampler([1.0], 1, replacement=None),
    ],
)
def test_samplers_refuse(make):
    with pytest.raises(ArgumentError, match="expected"):
        make()


# -- collation --------------------------------------------------------------------------------------------------------


def test_collate_keeps_containers():
    batch = [
        OrderedDict(p=Point(1, 2.0), s="a", l=[True, np.int16(3)]),
        OrderedDict(p=Point(5, 6.0), s="b", l=[False, np.int16(4)]),
    ]
    out = data.default_collate(batch)
    assert type(out) is OrderedDict
    assert type(out["p"]) is Point
    assert out["p"].x.dtype == autograd.int64
    assert out["p"].y.dtype == autograd.float64
    assert out["s"] == ["a", "b"]
    assert out["l"][0].dtype == autograd.bool
    assert out["l"][1].dtype == autograd.int16
    assert out["l"][1].tolist() == [3, 4]


def test_collate_stacks_and_keeps_the_tape():
    leaf = autograd.tensor([1.0, 2.0], requires_grad=True)
    batch = data.default_collate([leaf, leaf * 3])
    batch.sum().backward()
    assert batch.shape == (2, 2)
    assert leaf.grad.tolist() == [4, 4]


@pytest.mark.parametrize(
    ("batch", "error", "says"),
    [
        ([np.zeros(2), np.zeros(3)], ShapeError, r"\[\[2\], \[3\]\]"),
        ([[1], [1, 2]], ShapeError, r"\[1, 2\]"),
        ([{"a": 1}, {"b": 1}], ArgumentError, "sample 1 lacks the key 'a'"),
        ([object()], DTypeError, "object"),
        ([np.array(["x"])], DTypeError, "<U1"),
        ([], ArgumentError, "at least one"),
    ],
)
def test_collate_refuses(batch, error, says):
    with pytest.raises(error, match=says):
        data.default_collate(batch)


def test_convert_leaves_what_is_no_array():
    sample = {"x": np.float32([1, 2]), "n": 3, "t": (np.int64(4), "s"), "l": [np.zeros(1)]}
    out = data.default_convert(sample)
    assert isinstance(out["x"], autograd.Tensor)
    assert out["n"] == 3
    assert out["t"][0].dtype == autograd.int64
    assert out["t"][1] == "s"
    assert isinstance(out["l"][0], autograd.Tensor)


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
