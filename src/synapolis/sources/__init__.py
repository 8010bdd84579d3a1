"""Decodes foreign bytes into layers; opens no socket."""
