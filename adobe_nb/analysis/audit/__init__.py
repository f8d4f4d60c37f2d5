"""All findings in one frame, with notes and suppressions that survive."""
