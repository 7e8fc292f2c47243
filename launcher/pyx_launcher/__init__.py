"""Everything that pyx does before it becomes the interpreter."""

__version__ = "0.1.0"
