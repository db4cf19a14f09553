"""The whole story on one page, with its sample."""
