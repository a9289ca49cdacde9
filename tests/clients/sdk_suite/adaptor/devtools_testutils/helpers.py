"""See the package."""


def is_live_and_not_recording():
    return True
