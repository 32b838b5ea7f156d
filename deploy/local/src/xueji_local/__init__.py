"""One machine runs it all: embedded servers, supervisor, demonstration."""
