"""The Edge Network API: events, answers as frames, and what a refusal means."""
