"""Sealed details of customers: sealing them, keeping them, giving them out under consent."""
