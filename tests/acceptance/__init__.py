"""The acceptance checklist: each of its points a test that names it, through the official client."""
