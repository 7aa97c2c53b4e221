"""Fuzzing of every codec, of the pipeline and of the command line's readers, by atheris (libFuzzer)."""
