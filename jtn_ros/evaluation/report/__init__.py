"""Reports as web pages that need no network."""
