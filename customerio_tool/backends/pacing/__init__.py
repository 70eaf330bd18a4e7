"""How fast requests may follow each other, and who hands out the slots."""
