package org.attune.trainers.prepare;

/// Which part of a sequence longer than `max_length` stays (TRL's `truncation_mode`).
public enum TruncationMode {
    /// The first `max_length` tokens.
    KEEP_START,
    /// The last `max_length` tokens; deprecated in TRL.
    KEEP_END
}
