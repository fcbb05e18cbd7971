"""Optimisers and learning-rate schedules, with PyTorch's names, arguments and defaults."""

from .optimizer import Optimizer as Optimizer
from .sgd import SGD as SGD
from .adam import Adam as Adam
from .adam import AdamW as AdamW
