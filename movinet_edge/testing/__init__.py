"""Contract suites that every source and sink must pass; subclass them in a plugin's own tests."""
