"""Functions of functions, as in ``torch.func``: derivatives, vectorisation, and modules as plain functions.

Each takes a function and returns another, and they nest: ``vmap(grad(f))``, ``jacfwd(jacrev(f))``.  Arguments and
results may be nested tuples, lists and dicts of tensors.
"""

from .modules import functional_call as functional_call
from .modules import replace_all_batch_norm_modules_ as replace_all_batch_norm_modules_
from .modules import stack_module_state as stack_module_state
from .transforms import grad as grad
from .transforms import grad_and_value as grad_and_value
from .transforms import hessian as hessian
from .transforms import jacfwd as jacfwd
from .transforms import jacrev as jacrev
from .transforms import jvp as jvp
from .transforms import linearize as linearize
from .transforms import vjp as vjp
from .vectorise import vmap as vmap
