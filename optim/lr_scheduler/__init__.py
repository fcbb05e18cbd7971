"""Learning-rate schedules."""

from .base import LRScheduler as LRScheduler
from .cosine import CosineAnnealingLR as CosineAnnealingLR
from .cosine import CosineAnnealingWarmRestarts as CosineAnnealingWarmRestarts
from .decays import ConstantLR as ConstantLR
from .decays import ExponentialLR as ExponentialLR
from .decays import LambdaLR as LambdaLR
from .decays import LinearLR as LinearLR
from .decays import MultiplicativeLR as MultiplicativeLR
from .decays import MultiStepLR as MultiStepLR
from .decays import PolynomialLR as PolynomialLR
from .decays import StepLR as StepLR
