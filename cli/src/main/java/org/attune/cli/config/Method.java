package org.attune.cli.config;

import org.attune.trainers.grpo.GrpoConfig;
import org.attune.trainers.ppo.PpoConfig;
import org.attune.trainers.preference.DpoConfig;
import org.attune.trainers.scoring.PrmConfig;
import org.attune.trainers.scoring.RewardTrainerConfig;
import org.attune.trainers.sft.SftConfig;
import org.attune.trainers.unpaired.BcoConfig;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

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

    /// The method of this name.
    public static Optional<Method> named(String name) {
        return Arrays.stream(values()).filter(m -> m.wireName().equals(name)).findFirst();
    }

    /// The configuration in which nothing is set.
    public Record defaults() {
        return switch (this) {
            case SFT -> SftConfig.defaults();
            case DPO -> DpoConfig.defaults();
            case GRPO -> GrpoConfig.defaults();
            case REWARD -> RewardTrainerConfig.defaults();
            case PRM -> PrmConfig.defaults();
            case PPO -> PpoConfig.defaults();
            case BCO -> BcoConfig.defaults();
        };
    }
}
