"""What libraries hold, and what is unpublished."""
