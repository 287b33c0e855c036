"""The command line: `hookline up` runs everything, the other commands talk to a running system."""
