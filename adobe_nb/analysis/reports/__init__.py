"""Reports that leave the notebook, and pictures."""
