"""What should be looked at: risks in code, consent, names, age, plumbing."""
