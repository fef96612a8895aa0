"""The daemon: one pipeline per stream, the threads that feed them, and the supervisor that keeps all of it alive."""
