"""Pools: made, compared, waited for, mended."""
