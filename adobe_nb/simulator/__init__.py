"""A stand-in for Adobe on this machine: IMS and Reactor over real HTTP. Nothing here is Adobe's code or data."""
