"""Transfers (转学, Article 24): one case over two schools and their authorities."""
