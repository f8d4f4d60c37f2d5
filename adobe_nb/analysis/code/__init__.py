"""Code in settings: parsed, listed, searched, written to files."""
