"""One request to one host: allowed hosts, retries, the concurrency limit."""
