"""One module per resource. A handler turns a request into a command or query and the reply into a response: no rule."""
