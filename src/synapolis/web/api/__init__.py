"""The API: one router a noun. Handlers parse, call once and reply in their own types."""
