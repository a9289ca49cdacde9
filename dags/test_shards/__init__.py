"""The parts of the DAG `parallel_tests`: the application package with pytest, and what runs on nodes."""
