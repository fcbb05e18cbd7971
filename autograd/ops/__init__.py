"""The operations, one file per family.  Each is declared once; see `autograd/op.py` for the form."""
