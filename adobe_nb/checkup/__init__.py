"""The doctor: whether this machine, these credentials and the service work, and why not."""
