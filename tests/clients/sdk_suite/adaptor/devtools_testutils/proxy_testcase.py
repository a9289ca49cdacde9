"""See the package. Recordings only."""

get_test_id = start_record_or_playback = transform_request = stop_record_or_playback = None
