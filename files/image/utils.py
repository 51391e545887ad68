"""What the Python scripts of child images import."""
