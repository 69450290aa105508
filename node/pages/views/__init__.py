"""One module for each page; all of them are served."""
