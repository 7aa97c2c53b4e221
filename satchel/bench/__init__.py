"""The benchmark: which serializer, compressor, level and dictionary fit given messages; the command line shows it."""
