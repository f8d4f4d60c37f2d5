"""The Reactor API: documents, frames, writes, and the typed bindings."""
