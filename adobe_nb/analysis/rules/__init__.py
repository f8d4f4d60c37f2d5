"""Rules as they run: their steps, their order, and what calls what."""
