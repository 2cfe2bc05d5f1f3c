package org.attune.cli.config;

import java.util.Locale;

/// The methods whose keys are known.
public enum Method {
    SFT,
    DPO,
    GRPO,
    REWARD,
    PRM,
    PPO,
    BCO;

    public String wireName() {
        return name().toLowerCase(Locale.ROOT);
    }
}
