"""What PyTorch keeps under ``torch.utils``: so far `checkpoint`.  Data sets and loaders are `autograd.data`."""

from . import checkpoint as checkpoint
