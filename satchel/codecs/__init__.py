"""The codecs, one file per format; none of them imports another."""
