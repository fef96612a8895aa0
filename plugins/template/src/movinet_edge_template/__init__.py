"""A source and a sink for movinet-edge. The entry points in pyproject.toml say where the classes are."""
