"""What the documents consist of: generated references, entries for errors, blocks that run, and the site."""
