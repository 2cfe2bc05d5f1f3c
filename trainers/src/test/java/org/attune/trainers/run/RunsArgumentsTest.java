package org.attune.trainers.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.attune.reward.CompletionScorer;
import org.attune.reward.WeightedReward;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.config.SaveConfig;
import org.attune.trainers.grpo.GrpoConfig;
import org.attune.trainers.loop.TrainingListener;
import org.attune.trainers.ppo.PpoConfig;
import org.attune.trainers.sft.SftConfig;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

import java.util.Collections;
import java.util.List;

class RunsArgumentsTest {
    private final Runs runs = Runs.with();

    private static void refused(String argument, Executable call) {
        String message = assertThrows(IllegalArgumentException.class, call).getMessage();
        assertEquals(argument + " must not be null", message);
    }

    @Test
    void whatIsNullIsNamed() {
        List<WeightedReward> none = null;
        List<WeightedReward> empty = Collections.singletonList(null);
        refused("config", () -> runs.train((SftConfig) null));
        refused("directory", () -> runs.train(SftConfig.defaults(), null));
        refused("rewards", () -> runs.grpo(GrpoConfig.defaults(), none));
        refused("rewards[0]", () -> runs.grpo(GrpoConfig.defaults(), empty));
        refused("config", () -> runs.grpo(null, List.of()));
        refused("rewards", () -> runs.grpo(GrpoConfig.defaults(), (CompletionScorer) null));
        refused("rewards", () -> runs.ppo(PpoConfig.defaults(), none));
        refused("config", () -> runs.ppo(null, List.of()));
        refused("rewards", () -> runs.ppo(PpoConfig.defaults(), (CompletionScorer) null));
        refused("listeners[0]", () -> Runs.with((TrainingListener) null));
        refused("paths[0]", () -> DataConfig.of((String) null));
        refused("outputDir", () -> SaveConfig.to(null));
    }
}
