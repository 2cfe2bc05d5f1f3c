package org.attune.trainers.config;

/// Which end of a sequence survives when it is longer than `max_length`.
public enum TruncationMode {
    KEEP_START,
    KEEP_END
}
