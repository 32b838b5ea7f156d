"""Delivery (送达): notices by e-mail, text message and webhook, each at least once under one message id, never lost."""
