"""Sets, splits, samplers, collation and text: what they give and what they refuse."""

from __future__ import annotations

from collections import OrderedDict, namedtuple

import numpy as np
import pytest

import autograd
from autograd import data
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
    assert len({tuple(data.RandomSampler(range(4), num_samples=6))[4:] for _ in range(20)}) > 1
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


# -- text -----------------------------------------------------------------------------------------------------------


def test_windows_of_text(tmp_path):
    path = tmp_path / "text"
    path.write_text("hällo wörld", encoding="latin-1")
    text = data.CharText(path, 3, encoding="latin-1")
    assert text.vocabulary == "".join(sorted(set("hällo wörld")))
    assert text.classes == list(text.vocabulary)
    assert len(text) == 3
    for i in range(3):
        x, y = text[i]
        assert text.decode(x) == "hällo wörld"[3 * i : 3 * i + 3]
        assert text.decode(y) == "hällo wörld"[3 * i + 1 : 3 * i + 4]
        assert x.dtype == autograd.int64
    assert text.decode(text.encode("löw")) == "löw"


def test_text_is_split_in_one_vocabulary():
    train, valid = data.CharText(text="abcd" * 25, length=4).split(0.2)
    assert (train.text, valid.text) == ("abcd" * 20, "abcd" * 5)
    assert train.vocabulary == valid.vocabulary == "abcd"


def test_streams_go_on_where_they_ended():
    text = data.CharText(text="".join(map(chr, range(65, 91))), length=3)
    batches = list(data.DataLoader(text, batch_sampler=text.streams(2)))
    rows = ["".join(text.decode(x.array[row]) for x, _ in batches) for row in range(2)]
    assert rows == ["ABCDEFGHIJKL", "MNOPQRSTUVWX"]
    assert all(y.array[row, 0] == x.array[row, 1] for x, y in batches for row in range(2))


def test_the_default_text_is_pythons_own():
    text = data.CharText()
    assert len(text.text) > 300_000
    assert text.sha256 == data.CharText(sha256=text.sha256).sha256


def test_sampling_follows_the_model():
    text = data.CharText(text="abcabcabc", length=2)

    def successor(codes):  # logits that leave only the next letter of the alphabet
        return autograd.tensor(np.where(np.eye(3)[(codes.array + 1) % 3] > 0, 0.0, -1e9))

    assert text.sample(successor, 5, prompt="ab") == "cabca"
    assert text.sample(successor, 2) == "bc"


@pytest.mark.parametrize(
    ("make", "error", "says"),
    [
        (lambda: data.CharText(text="abc", length=3), DataError, "3 characters"),
        (lambda: data.CharText(text="abc", length=0), ArgumentError, "length"),
        (lambda: data.CharText("file", text="abc"), ArgumentError, "not both"),
        (lambda: data.CharText(text="abc", length=1, sha256="0"), DataError, "SHA-256"),
        (lambda: data.CharText(text="abc", length=1, vocabulary="ab"), DataError, "'c' at position 2"),
        (lambda: data.CharText(text="abc", length=1, vocabulary="aabc"), ArgumentError, "once"),
        (lambda: data.CharText("/no/such/file"), DataError, "No such file"),
        (lambda: data.CharText(text="abc", length=1).decode([3]), ArgumentError, "0 to 2"),
        (lambda: data.CharText(text="abc", length=1).streams(5), ArgumentError, "batch_size"),
        (lambda: data.CharText(text="abc", length=1).split(1.0), ArgumentError, "held_out"),
    ],
)
def test_text_refuses(make, error, says):
    with pytest.raises(error, match=says):
        make()


def test_text_in_another_encoding(tmp_path):
    (tmp_path / "text").write_bytes(b"abc\xe4")
    with pytest.raises(DataError, match="byte 3 is not utf-8"):
        data.CharText(tmp_path / "text", 1)
