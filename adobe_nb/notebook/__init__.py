"""What a notebook sees: magics, the panel, the display of frames."""
