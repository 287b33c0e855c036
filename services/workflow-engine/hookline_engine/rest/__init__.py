"""The REST API with Conductor's paths and shapes (specs/rest.md)."""
