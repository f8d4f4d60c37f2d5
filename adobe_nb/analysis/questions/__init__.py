"""The questions as methods of ``Tags``, one class for each theme."""
