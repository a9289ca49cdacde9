"""What a DAG author writes: pools, jobs, tasks, files. Plain Python; importing it imports nothing else."""
