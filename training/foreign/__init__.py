"""A shipped model that reads Latin text -> one that knows words of other scripts too, all else held still."""
