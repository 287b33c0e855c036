"""Definitions of workflows and tasks: their models, the checks of registration, snapshots."""
