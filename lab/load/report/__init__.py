"""What people read: files, page and summary."""
