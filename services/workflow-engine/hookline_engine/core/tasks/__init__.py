"""The task types, one file each; registry.py lists them."""
