"""What is asked of the services, how it is sent, and what comes back, in words."""
