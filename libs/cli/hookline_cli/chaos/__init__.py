"""`hookline chaos`: a seeded stream of events with a known right outcome, and the audit of it.

It works against any deployment, over HTTP only. Faults are not injected here: whoever wants some
runs this stream beside them (`make chaos` does).
"""
