"""The live page, the phone as a camera, and the figures for Prometheus; needs the extra `movinet-edge[web]`.

One thread with a loop of its own serves it all. It looks on at the daemon as an observer and gives the same commands as
the control socket; detection never waits for it.
"""
