"""Jobs: their life, managers, preparation and release, and the quota."""
