"""Module and the containers: what is found, saved, loaded, hooked, copied and refused."""

from __future__ import annotations

import copy
import pickle

import pytest

import autograd
import nn
from autograd.errors import ArgumentError, CheckpointError


def net():
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 2))


def test_names_in_order():
    batch_norm = ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"]
    expected = ["0.weight", "0.bias", *(f"1.{name}" for name in batch_norm), "3.weight", "3.bias"]
    assert list(net().state_dict()) == expected
    assert [name for name, _ in net().named_modules()] == ["", "0", "1", "2", "3"]
    assert len(list(net().parameters())) == 6


def test_a_shared_parameter_is_listed_once_and_saved_twice():
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    model[1].weight = model[0].weight
    assert [name for name, _ in model.named_parameters()] == ["0.weight", "0.bias", "1.bias"]
    assert "1.weight" in model.state_dict()


def test_loading_is_all_or_nothing():
    model, other = net(), net()
    state = other.state_dict()
    state["0.weight"] = autograd.zeros(5, 5)
    state["surplus"] = autograd.zeros(1)
    del state["3.bias"]
    before = model[3].weight.detach().clone()
    with pytest.raises(CheckpointError) as caught:
        model.load_state_dict(state)
    for part in ("Missing key(s) in state_dict: '3.bias'", "Unexpected key(s) in state_dict: 'surplus'", "0.weight"):
        assert part in str(caught.value)
    assert autograd.equal(model[3].weight.detach(), before)
    assert model.load_state_dict(other.state_dict()) == ([], [])
    assert autograd.equal(model[3].weight.detach(), other[3].weight.detach())


def test_training_mode_and_types():
    model = net().eval()
    assert not any(module.training for module in model.modules())
    weight = model[0].weight
    model.double()
    assert model[0].weight is weight, "a parameter keeps its identity"
    assert {str(p.dtype) for p in model.parameters()} == {"float64"}
    assert str(model[1].num_batches_tracked.dtype) == "int64"
    model(autograd.zeros(2, 3, dtype=autograd.float64)).sum().backward()
    model.zero_grad()
    assert weight.grad is None


def test_hooks():
    layer, seen = nn.Linear(2, 1, bias=False), []
    layer.weight.data = autograd.tensor([[3.0, 5.0]])
    before = layer.register_forward_pre_hook(lambda module, args: (args[0] * 2,))
    after = layer.register_forward_hook(lambda module, args, output: output + 1)

    def backward(module, grad_in, grad_out):
        seen.append((grad_in[0].tolist(), grad_out[0].tolist()))

    layer.register_full_backward_hook(backward)
    x = autograd.tensor([[1.0, 1.0]], requires_grad=True)
    y = layer(x)
    assert y.tolist() == [[17.0]]
    y.sum().backward()
    assert seen == [([[3.0, 5.0]], [[1.0]])]
    assert x.grad.tolist() == [[6.0, 10.0]]
    before.remove()
    after.remove()
    assert layer(x).tolist() == [[8.0]]


def test_copies_are_independent():
    model = net()
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert autograd.equal(other[0].weight.detach(), model[0].weight.detach())
        with autograd.no_grad():
            other[0].weight.add_(1)
        assert not autograd.equal(other[0].weight.detach(), model[0].weight.detach())


def test_sequences():
    model = net()
    assert isinstance(model[1:3], nn.Sequential)
    assert len(model[1:3]) == 2
    model.append(nn.Tanh())
    del model[0]
    assert [type(m).__name__ for m in model] == ["BatchNorm1d", "ReLU", "Linear", "Tanh"]
    layers = nn.ModuleList([nn.ReLU()]).insert(0, nn.Tanh())
    assert [name for name, _ in layers.named_children()] == ["0", "1"]
    with pytest.raises(IndexError, match="2 modules"):
        layers[2]


def test_dicts():
    layers = nn.ModuleDict({"first": nn.Linear(1, 1), "second": nn.ReLU()})
    assert list(layers) == ["first", "second"]
    assert isinstance(layers.pop("second"), nn.ReLU)
    assert list(layers.state_dict()) == ["first.weight", "first.bias"]
    parameters = nn.ParameterDict({"a": autograd.ones(2)})
    parameters["b"] = autograd.zeros(1)
    assert [name for name, _ in parameters.named_parameters()] == ["a", "b"]
    assert "a" in parameters
    assert len(nn.ParameterList([autograd.ones(1)] * 3)) == 3


class Forgetful(nn.Module):
    def __init__(self):
        self.layer = nn.Linear(1, 1)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (Forgetful, "before super"),
        (lambda: setattr(nn.Linear(1, 1), "weight", autograd.ones(1)), "as parameter 'weight'"),
        (lambda: nn.Linear(1, 1).register_buffer("a.b", None), "without dots"),
        (lambda: nn.Linear(1, 1).register_parameter("forward", None), "already exists"),
        (lambda: nn.Sequential(nn.ReLU()).get_submodule("7"), "has no submodule"),
        (lambda: nn.Module()(1), "has no forward"),
        (lambda: nn.Linear(1, 1).to(autograd.int64), "floating point"),
        (lambda: nn.ParameterDict({"a": 1}), "Tensor or Parameter"),
    ],
)
def test_misuse(wrong, message):
    with pytest.raises((ArgumentError, AttributeError, NotImplementedError), match=message):
        wrong()
