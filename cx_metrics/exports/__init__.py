"""Exports: frames and figures in, files out."""
