"""What sets, reads, sends and clears the variables of Analytics and XDM."""
