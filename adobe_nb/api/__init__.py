"""What you ask Adobe: documents, frames, and the typed bindings."""
