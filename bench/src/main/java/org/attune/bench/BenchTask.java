package org.attune.bench;

import java.util.Locale;

/// What can be measured.
public enum BenchTask {
    SFT,
    DPO,
    GRPO,
    GENERATE,
    PREFILL;

    /// Whether optimizer steps are taken.
    public boolean trains() {
        return this == SFT || this == DPO || this == GRPO;
    }

    /// Whether the task samples tokens.
    public boolean generates() {
        return this == GRPO || this == GENERATE;
    }

    /// The task's name on the command line.
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }
}
