"""The flights pipeline: raw files of a day become one clean partition in a lake and in a warehouse."""
