"""One file a step, in one line: each names the step before it. A step that has landed is never edited."""
