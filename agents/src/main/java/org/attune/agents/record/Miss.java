package org.attune.agents.record;

/// What becomes of a call that a recording has no answer to.
public enum Miss {
    /// The tool itself answers. What it has not seen of the calls before, it does not know.
    LIVE,
    /// The model reads that there is no answer, and the episode goes on.
    REFUSE,
    /// The episode ends.
    END
}
