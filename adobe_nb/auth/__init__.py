"""Who you are: where credentials come from, and the tokens they give."""
