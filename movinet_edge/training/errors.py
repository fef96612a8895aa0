"""What is wrong with something that training was given: one kind of error, which every command tells in one line."""


class InputError(ValueError):
    """A file, a folder or an option cannot be used; the text says which one, what is wrong and what would be right."""
