"""The public functions: a docstring and a few lines each; the work is in ``_run`` and below."""
