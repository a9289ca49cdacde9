"""The local stack: Azurite, Event Grid, Batch emulator and Airflow on one machine, and the demo on it."""
