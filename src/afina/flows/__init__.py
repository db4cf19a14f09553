"""One use case a file, over a task and a ledger: with a database or with a folder, the same steps."""
