"""Who uses what: references, and what follows from them."""
