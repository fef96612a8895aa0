"""Motions that no asset holds, or that the assets hold once: composed of key poses, and done differently each time."""
