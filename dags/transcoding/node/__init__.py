"""The steps of a transcode, one Batch task each: standard library and ffmpeg only, Python 3.8 or newer."""
