"""What the documented rules make of people, events, segments, campaigns and messages."""
