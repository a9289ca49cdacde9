"""The program of the DAG `render_tiles`."""
