"""See the package."""

BATCH_TEST_PASSWORD = "An0ther-passw0rd!"
