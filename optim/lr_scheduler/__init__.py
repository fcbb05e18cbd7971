"""Learning-rate schedules."""

from .base import LRScheduler as LRScheduler
from .composed import ChainedScheduler as ChainedScheduler
from .composed import SequentialLR as SequentialLR
from .cosine import CosineAnnealingLR as CosineAnnealingLR
from .cosine import CosineAnnealingWarmRestarts as CosineAnnealingWarmRestarts
from .cycles import CyclicExponentialDecayLR as CyclicExponentialDecayLR
from .cycles import CyclicLR as CyclicLR
from .decays import ConstantLR as ConstantLR
from .decays import ExponentialLR as ExponentialLR
from .decays import LambdaLR as LambdaLR
from .decays import LinearLR as LinearLR
from .decays import MultiplicativeLR as MultiplicativeLR
from .decays import MultiStepLR as MultiStepLR
from .decays import PolynomialLR as PolynomialLR
from .decays import StepLR as StepLR
from .one_cycle import OneCycleLR as OneCycleLR
from .plateau import ReduceLROnPlateau as ReduceLROnPlateau
