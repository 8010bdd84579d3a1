"""The chain of changes that brings a database to today's tables; run when a store is opened."""
