"""Wengert: a tape-based reverse-mode autograd engine on NumPy arrays.  This file is the table of contents."""

from . import allocation as allocation
from . import conversions as conversions
from . import errors as errors
from . import func as func
from . import functional as functional
from . import hooks as hooks
from . import linalg as linalg
from .algorithms import is_winograd_enabled as is_winograd_enabled
from .algorithms import winograd as winograd
from .anomaly import detect_anomaly as detect_anomaly
from .anomaly import is_anomaly_check_nan_enabled as is_anomaly_check_nan_enabled
from .anomaly import is_anomaly_enabled as is_anomaly_enabled
from .anomaly import set_detect_anomaly as set_detect_anomaly
from .check import GradcheckError as GradcheckError
from .check import gradcheck as gradcheck
from .check import gradgradcheck as gradgradcheck
from .compiling import compile as compile
from .create import from_numpy as from_numpy
from .create import tensor as tensor
from .decompositions import *  # noqa: F403
from .dlpack import from_dlpack as from_dlpack
from .draw import draw as draw
from .dtypes import bool_ as bool  # noqa: F401
from .dtypes import complex64 as complex64
from .dtypes import complex128 as complex128
from .dtypes import float16 as float16
from .dtypes import float32 as float32
from .dtypes import float64 as float64
from .dtypes import get_default_dtype as get_default_dtype
from .dtypes import int8 as int8
from .dtypes import int16 as int16
from .dtypes import int32 as int32
from .dtypes import int64 as int64
from .dtypes import promote_types as promote_types
from .dtypes import result_type as result_type
from .dtypes import set_default_dtype as set_default_dtype
from .dtypes import uint8 as uint8
from .engine import backward as backward
from .engine import grad as grad
from .factories import *  # noqa: F403
from .func import vmap as vmap
from .function import Function as Function
from .function import once_differentiable as once_differentiable
from .io import load as load
from .io import save as save
from .ops.activation import *  # noqa: F403
from .ops.arithmetic import *  # noqa: F403
from .ops.casting import *  # noqa: F403
from .ops.choice import *  # noqa: F403
from .ops.comparison import *  # noqa: F403
from .ops.cumulative import *  # noqa: F403
from .ops.diagonal import *  # noqa: F403
from .ops.einsum import *  # noqa: F403
from .ops.expand import *  # noqa: F403
from .ops.exponential import *  # noqa: F403
from .ops.extrema import *  # noqa: F403
from .ops.gather import *  # noqa: F403
from .ops.index import *  # noqa: F403
from .ops.integer import *  # noqa: F403
from .ops.join import *  # noqa: F403
from .ops.matmul import *  # noqa: F403
from .ops.norms import *  # noqa: F403
from .ops.order import *  # noqa: F403
from .ops.piecewise import *  # noqa: F403
from .ops.powers import *  # noqa: F403
from .ops.rearrange import *  # noqa: F403
from .ops.reduce import *  # noqa: F403
from .ops.rounding import *  # noqa: F403
from .ops.scatter_reduce import *  # noqa: F403
from .ops.shape import *  # noqa: F403
from .ops.softmax import *  # noqa: F403
from .ops.solving import det as det
from .ops.solving import slogdet as slogdet
from .ops.special import *  # noqa: F403
from .ops.trig import *  # noqa: F403
from .printing import set_printoptions as set_printoptions
from .random import *  # noqa: F403
from .recording import enable_grad as enable_grad
from .recording import inference_mode as inference_mode
from .recording import is_grad_enabled as is_grad_enabled
from .recording import is_inference_mode_enabled as is_inference_mode_enabled
from .recording import no_grad as no_grad
from .recording import set_grad_enabled as set_grad_enabled
from .size import Size as Size
from .tape import Tape as Tape
from .tensor import Tensor as Tensor
from .threads import get_num_threads as get_num_threads
from .threads import set_num_threads as set_num_threads
