"""What people wrote: spelling for matching, language, sentiment. Pure functions on lists of texts, offline.

A comment is data: what is shown of it is the comment itself, through `safe_text.safe`, never its plain spelling.
"""
