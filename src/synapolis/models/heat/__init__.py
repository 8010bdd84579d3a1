"""Heat: sky view, shade, mean radiant temperature and comfort on a hot day."""
