"""What differs, and what is there twice: content, normalized."""
