"""First-party sources and sinks; each module is one plugin and imports `movinet_edge.api` alone."""
