"""One request to one host: allowed hosts, retries, the limit of requests in flight. Knows nothing
of Reactor.
"""
