"""What should be looked at: risks, consent, names, age, and all findings in one frame."""
