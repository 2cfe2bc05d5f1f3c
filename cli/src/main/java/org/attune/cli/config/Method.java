package org.attune.cli.config;

import org.attune.trainers.config.BcoConfig;
import org.attune.trainers.config.DpoConfig;
import org.attune.trainers.config.GrpoConfig;
import org.attune.trainers.config.PpoConfig;
import org.attune.trainers.config.PrmConfig;
import org.attune.trainers.config.RewardTrainerConfig;
import org.attune.trainers.config.SftConfig;

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
