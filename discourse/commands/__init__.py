"""The commands of the command line that are not stages of a study, and how all of them talk."""
