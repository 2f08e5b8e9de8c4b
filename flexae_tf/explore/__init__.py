"""A page to play with a trained model: samples, edits, interpolations, checkpoint by checkpoint.

`sources` opens runs and exports, `views` says what can be asked of one and answers with images and
codes, `uploads` reads a visitor's image, `page` and `server` are what the browser sees. The last
two need requirements-explore.txt; the others do not.
"""
