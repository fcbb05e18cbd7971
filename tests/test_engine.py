"""The engine's contract, each clause against values derived by hand."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import numpy as np
import pytest

import autograd
from autograd.errors import ArgumentError, DTypeError, ShapeError, TapeError


def leaf(*values):
    return autograd.tensor(list(values), dtype=autograd.float64, requires_grad=True)


def scalar(value):
    return autograd.tensor(value, dtype=autograd.float64, requires_grad=True)


def same(tensor, values):
    np.testing.assert_array_equal(tensor.detach(), values)


# -- accumulation -----------------------------------------------------------------------------------------------------


def test_gradients_add_up_over_uses_and_over_passes():
    x = scalar(3.0)
    (x * x + x).backward()  # 2x + 1
    same(x.grad, 7)
    (x * 5).backward()
    same(x.grad, 12)
    x.grad = None
    (x * 5).backward()
    same(x.grad, 5)


def test_fan_out_is_summed_before_it_goes_on():
    calls = []
    x = scalar(2.0)
    y = x * x
    y.register_hook(lambda g: calls.append(g.item()))
    (y * 3 + y * 4).backward()
    assert calls == [7]  # once, and complete
    same(x.grad, 28)


def test_gradients_of_two_leaves_do_not_share_memory():
    a, b = leaf(1.0), leaf(2.0)
    ((a + b) * 3).backward(autograd.ones(1))  # one array, 3, is the cotangent of both
    a.grad.array[0] = 99
    same(b.grad, [3])


def test_results_of_grad_do_not_share_memory():
    """They are not copied where nobody else has them, and are where somebody does."""
    a, b, seed = leaf(1.0), leaf(2.0), autograd.ones(1, dtype=autograd.float64)
    arrays = [g.array for g in (*autograd.grad(a + b, (a, b), seed), *autograd.grad(3 * a, (a, a), seed), seed)]
    arrays += [g.array for g in autograd.grad(a.reshape(1, 1), a, seed.reshape(1, 1))]
    for i, array in enumerate(arrays):
        assert not any(np.shares_memory(array, other) for other in arrays[:i])


def test_broadcasting_is_undone():
    x, row, number = autograd.ones(2, 3, dtype=autograd.float64, requires_grad=True), leaf(1.0, 2.0, 3.0), scalar(2.0)
    (x * row + number).sum().backward()
    same(x.grad, [[1, 2, 3]] * 2)
    same(row.grad, [2, 2, 2])
    same(number.grad, 6)


def test_the_gradient_has_the_dtype_of_its_leaf():
    x = autograd.tensor([1.0], requires_grad=True)
    (x.double() * autograd.tensor([2.0], dtype=autograd.float64)).sum().backward()
    assert x.grad.dtype == autograd.float32


# -- one tape, several passes -----------------------------------------------------------------------------------------


def test_a_tape_is_used_once_unless_retained():
    x = scalar(3.0)
    y = x * x
    y.backward(retain_graph=True)
    y.backward()
    same(x.grad, 12)
    with pytest.raises(TapeError, match=r"`mul` \(.*test_engine\.py:\d+\), .* retain_graph=True"):
        y.backward()


def test_a_freed_part_shared_by_another_result():
    x = scalar(3.0)
    shared = x * x
    (shared * 2).backward()
    with pytest.raises(TapeError, match="freed"):
        (shared * 3).backward()


def test_a_shared_part_that_saved_nothing_is_not_freed():
    x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)
    shared = (x + y).reshape(2, 1)
    (shared * shared).sum().backward()
    (shared * shared).sum().backward()
    same(x.grad, [16, 24])


def test_grad_goes_no_further_than_its_inputs():
    x = scalar(3.0)
    hidden = x * x
    handle = x.register_hook(lambda g: pytest.fail("x was not asked for"))
    same(autograd.grad(hidden * 5, hidden)[0], 5)
    handle.remove()
    hidden.backward()  # its tape was not used up
    same(x.grad, 6)


def test_grad_works_out_only_what_is_asked_for():
    x, w = scalar(3.0), scalar(5.0)
    y = x * w
    for_x, _ = y.node.op.pulls
    y.node.op = SimpleNamespace(
        plain=True, multiple=False, frees=False, pulls=(for_x, lambda g, node: pytest.fail("w"))
    )
    same(autograd.grad(y, x)[0], 5)


def test_several_outputs_and_their_cotangents():
    x = leaf(1.0, 2.0)
    y, z = x * x, x * 3
    (g,) = autograd.grad([y, z], x, [autograd.tensor([1.0, 10.0]), autograd.tensor([100.0, 1000.0])])
    same(g, [2 + 300, 40 + 3000])
    with pytest.raises(ArgumentError, match="2 outputs, 1 cotangents"):
        autograd.grad([x * x, x * 3], x, [autograd.ones(2)])


def test_one_output_given_twice():
    x = scalar(3.0)
    y = x * x
    (g,) = autograd.grad([y, y], x)
    same(g, 12)


def test_an_output_that_is_an_input():
    x = scalar(3.0)
    y = x * x
    gy, gx = autograd.grad(y, [y, x])
    same(gy, 1)
    same(gx, 6)


def test_grad_touches_no_leaf():
    x, w = scalar(3.0), scalar(2.0)
    (g,) = autograd.grad(x * w, x)
    same(g, 2)
    assert x.grad is None
    assert w.grad is None


def test_backward_into_chosen_inputs_only():
    x, w = scalar(3.0), scalar(2.0)
    hidden = x * w
    (hidden * hidden).backward(inputs=[x])  # 2 x w^2
    same(x.grad, 24)
    assert w.grad is None
    with pytest.raises(ArgumentError, match="inputs"):
        (x * w).backward(inputs=[])


def test_unused_inputs():
    x, unused = scalar(3.0), leaf(1.0, 2.0)
    with pytest.raises(TapeError, match=r"inputs\[1\] \(shape \(2,\)\) was not used.*allow_unused=True"):
        autograd.grad(x * 2, [x, unused])
    assert autograd.grad(x * 2, [x, unused], allow_unused=True)[1] is None
    same(autograd.grad(x * 2, [x, unused], materialize_grads=True)[1], [0, 0])
    with pytest.raises(ArgumentError, match="materialize_grads"):
        autograd.grad(x * 2, [x, unused], allow_unused=False, materialize_grads=True)


# -- higher derivatives -----------------------------------------------------------------------------------------------


def test_second_and_third_derivatives():
    x = scalar(2.0)
    (first,) = autograd.grad(x * x * x * x, x, create_graph=True)
    (second,) = autograd.grad(first, x, create_graph=True)
    (third,) = autograd.grad(second, x)
    same(first, 4 * 8)
    same(second, 12 * 4)
    same(third, 24 * 2)
    assert third.node is None


def test_mixed_second_derivatives():
    x, y = scalar(2.0), scalar(5.0)
    gx, gy = autograd.grad(x * x * y, [x, y], create_graph=True)  # 2xy, x^2
    same(autograd.grad(gx, [x, y], retain_graph=True)[0], 10)
    same(autograd.grad(gx, [x, y])[1], 4)
    same(autograd.grad(gy, x)[0], 4)


def test_backward_with_create_graph_accumulates_a_recorded_gradient():
    x = scalar(3.0)
    (x * x * x).backward(create_graph=True)
    penalty, x.grad = x.grad, None
    (penalty * penalty).backward()  # (3x^2)^2 = 9x^4
    same(x.grad, 36 * 27)


# -- hooks ------------------------------------------------------------------------------------------------------------


def test_a_hook_sees_and_replaces_the_cotangent():
    x = leaf(1.0, 2.0)
    y = x * 3
    seen = []
    handle = y.register_hook(lambda g: (seen.append(g), g * 10)[1])
    y.sum().backward(retain_graph=True)
    same(seen[0], [1, 1])
    same(x.grad, [30, 30])
    handle.remove()
    x.grad = None
    y.sum().backward()
    assert len(seen) == 1
    same(x.grad, [3, 3])


def test_a_hook_on_a_leaf_runs_before_accumulation():
    x = scalar(2.0)
    with x.register_hook(lambda g: -g):
        (x * 3).backward()
        same(x.grad, -3)
    (x * 3).backward()
    same(x.grad, 0)


def test_a_hook_under_create_graph_is_recorded():
    x = scalar(2.0)
    y = x * x
    y.register_hook(lambda g: g * x)  # the gradient is x · 2x, its derivative 4x
    (g,) = autograd.grad(y, x, create_graph=True)
    same(g, 8)
    same(autograd.grad(g, x)[0], 8)


def test_post_accumulate_hook_sees_the_finished_gradient():
    x, seen = scalar(2.0), []
    handle = x.register_post_accumulate_grad_hook(lambda t: seen.append((t is x, t.grad.item())))
    (x * 3).backward()
    (x * 3).backward()
    assert seen == [(True, 3), (True, 6)]
    handle.remove()
    (x * 3).backward()
    assert len(seen) == 2


def test_retain_grad():
    x = scalar(2.0)
    y = x * x
    y.retain_grad()
    assert y.retains_grad
    assert not x.retains_grad
    (y * 5).backward()
    same(y.grad, 5)


def test_after_a_write_in_place_the_retained_gradient_is_that_of_the_new_value():
    x, seen = leaf(1.0, 2.0), []
    y = x * 1
    y.register_hook(lambda g: seen.append(g.tolist()))
    y.retain_grad()
    view = y[0]
    view.retain_grad()
    y.mul_(2)
    (y * y).sum().backward(retain_graph=True)
    same(y.grad, [4, 8])
    assert seen == [[8, 16]]  # a hook stays with the value on which it was put
    (view * 5).backward()
    same(view.grad, 5)


def test_hooks_need_a_tape():
    x = autograd.ones(1)
    for call in (lambda: x.register_hook(print), x.retain_grad, lambda: x.register_post_accumulate_grad_hook(print)):
        with pytest.raises(TapeError, match=r"require"):
            call()


# -- views and writes in place ----------------------------------------------------------------------------------------


def test_views_share_memory_and_gradients():
    x = leaf(1.0, 2.0, 3.0, 4.0)
    y = x * 1
    view = y.view(2, 2)[1]
    assert np.shares_memory(view.array, y.array)
    (view * view).sum().backward()
    same(x.grad, [0, 0, 6, 8])


def test_a_write_into_a_view_reaches_the_base_and_its_tape():
    x = leaf(1.0, 2.0, 3.0)
    y = x * 1
    y[0].mul_(10)
    same(y, [10, 2, 3])
    (y * y).sum().backward()  # (10 x0)^2 + x1^2 + x2^2
    same(x.grad, [200, 4, 6])


def test_a_write_into_the_base_reaches_its_views():
    x = leaf(1.0, 2.0)
    y = x * 1
    view = y[1]
    y.mul_(3)
    same(view, 6)
    view.backward()
    same(x.grad, [0, 3])


def test_a_chain_of_writes():
    x = scalar(2.0)
    y = x * 1
    y += x
    y *= x  # (x + x) x
    same(y, 8)
    y.backward()
    same(x.grad, 8)


def test_assignment_cuts_what_was_there():
    x, new = leaf(1.0, 2.0, 3.0), scalar(5.0)
    y = x * 2
    y[1] = new
    same(y, [2, 5, 6])
    (y * y).sum().backward()
    same(x.grad, [8, 0, 24])
    same(new.grad, 10)


def test_a_leaf_is_not_written_while_recording():
    x = leaf(1.0, 2.0)
    for write in (lambda: x.add_(1), lambda: x[0].zero_(), lambda: x.__setitem__(0, 3.0)):
        with pytest.raises(TapeError, match=r"leaf that requires grad .*no_grad"):
            write()
    with autograd.no_grad():
        x.add_(1)
    same(x, [2, 3])
    assert x.is_leaf


def test_a_saved_value_that_was_overwritten():
    x = leaf(1.0, 2.0)
    y = x * 1
    z = y * y
    y.add_(1)
    with pytest.raises(TapeError, match=r"`mul`, recorded at .*test_engine\.py:\d+, needs .* add_ has written"):
        z.sum().backward()


@pytest.mark.parametrize("write", [lambda y: y[0].zero_(), lambda y: y.detach().zero_(), lambda y: y.data.zero_()])
def test_an_overwrite_through_an_alias_is_noticed(write):
    x = leaf(1.0, 2.0)
    y = x * 1
    z = y * y
    write(y)
    with pytest.raises(TapeError, match="zero_ has written"):
        z.sum().backward()


def test_a_write_that_no_derivative_cares_about():
    x = leaf(1.0, 2.0)
    y = x * 1
    z = y + 5
    y.zero_()
    z.sum().backward()
    same(x.grad, [1, 1])


# -- recording --------------------------------------------------------------------------------------------------------


def test_no_grad_and_enable_grad_nest():
    x = leaf(1.0)
    with autograd.no_grad():
        assert not (x * 2).requires_grad
        with autograd.enable_grad():
            assert (x * 2).requires_grad
        assert not (x * 2).requires_grad
    assert (x * 2).requires_grad


def test_recording_comes_back_after_an_error():
    with pytest.raises(KeyError), autograd.no_grad():
        raise KeyError
    assert autograd.is_grad_enabled()


def test_inference_mode():
    with autograd.inference_mode():
        assert autograd.is_inference_mode_enabled()
        assert not (leaf(1.0) * 2).requires_grad
        with autograd.inference_mode(False):
            assert not autograd.is_inference_mode_enabled()
            assert (leaf(1.0) * 2).requires_grad
    assert not autograd.is_inference_mode_enabled()


def test_switches_as_decorators():
    @autograd.no_grad()
    def plain(x):
        return x * 2

    @autograd.enable_grad
    def recorded(x):
        return x * 2

    assert not plain(leaf(1.0)).requires_grad
    with autograd.no_grad():
        assert recorded(leaf(1.0)).requires_grad


def test_set_grad_enabled_at_once_and_as_a_context():
    autograd.set_grad_enabled(False)
    assert not autograd.is_grad_enabled()
    autograd.set_grad_enabled(True)
    with autograd.set_grad_enabled(False):
        assert not autograd.is_grad_enabled()
    assert autograd.is_grad_enabled()


def test_recording_is_a_threads_own():
    seen = []
    with autograd.no_grad():
        thread = threading.Thread(target=lambda: seen.append(autograd.is_grad_enabled()))
        thread.start()
        thread.join()
    assert seen == [True]


def test_detach_shares_memory_and_stops_gradients():
    x = leaf(3.0)
    d = (x * x).detach()
    assert not d.requires_grad
    (x * d).sum().backward()
    same(x.grad, [9])
    y = x * 1
    assert y.detach().data_ptr() == y.data_ptr()


def test_constants_leave_no_tape():
    assert (autograd.ones(2) * 2).grad_fn is None
    assert leaf(1.0).is_leaf
    assert not (leaf(1.0) * 2).is_leaf
    with pytest.raises(TapeError, match=r"stays on the tape; detach\(\)"):
        (leaf(1.0) * 2).requires_grad_(False)


# -- misuse -----------------------------------------------------------------------------------------------------------


def test_backward_needs_a_scalar_or_a_cotangent():
    x = leaf(1.0, 2.0)
    with pytest.raises(ShapeError, match=r"shape \(2,\) needs a cotangent"):
        (x * 2).backward()
    with pytest.raises(ShapeError, match=r"expected the shape of the output, \(2,\), got \(3,\)"):
        (x * 2).backward(autograd.ones(3))
    (x * 2).backward(autograd.tensor([1.0, 10.0]))
    same(x.grad, [2, 20])


def test_backward_off_the_tape():
    with pytest.raises(TapeError, match="not on the tape: it does not require grad"):
        autograd.ones(()).backward()
    with pytest.raises(TapeError, match=r"inputs\[0\] .* does not require grad"):
        autograd.grad(scalar(1.0) * 2, autograd.ones(1))


@pytest.mark.parametrize("dtype", [autograd.int64, autograd.bool, autograd.complex64])
def test_only_floats_require_grad(dtype):
    with pytest.raises(DTypeError, match=r"float|complex"):
        autograd.zeros(2, dtype=dtype).requires_grad_()


def test_a_gradient_that_is_a_view_of_all_its_memory_is_kept_and_a_part_is_copied():
    x = autograd.randn(6, requires_grad=True)
    (x.reshape(2, 3).exp().sum()).backward()
    assert x.grad.array.flags.owndata or x.grad.array.base.size == 6
    held = []
    y = x.reshape(2, 3)
    y.register_hook(held.append)
    (first,) = autograd.grad((y * 2).sum(), x)
    first.array[:] = 7
    assert held[0].tolist() == [[2, 2, 2], [2, 2, 2]]  # the hook's array is not the gradient's
    z = autograd.randn(2, 3, requires_grad=True)
    (part,) = autograd.grad(autograd.cat([z, z]).sum(), z)
    assert part.array.base is None


@pytest.mark.parametrize("ask", ["grad", "backward"])
def test_two_leaves_behind_one_cotangent_have_gradients_of_their_own(ask):
    a, b = autograd.ones(2, 3, requires_grad=True), autograd.ones(3, 2, requires_grad=True)
    y = (a.reshape(6) + b.reshape(6)) * 3
    if ask == "grad":
        ga, gb = autograd.grad(y.sum(), (a, b))
    else:
        y.sum().backward()
        ga, gb = a.grad, b.grad
    ga.array[:] = 5
    assert (gb.array == 3).all()
