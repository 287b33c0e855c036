"""How platforms prove who they are: declarations, and one verifier for all."""
