"""Programs: a function recorded once, then checked, simplified, fused and compiled."""
