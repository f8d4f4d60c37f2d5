"""What happened: publishing, changes, versions of extensions."""
