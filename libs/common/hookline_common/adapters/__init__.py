"""Opens the adapters that the two URLs of the settings name (DESIGN.md section 4)."""
