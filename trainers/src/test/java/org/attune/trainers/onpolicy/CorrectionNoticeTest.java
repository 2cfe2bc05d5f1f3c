package org.attune.trainers.onpolicy;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.apache.commons.rng.simple.RandomSource;
import org.attune.adapter.LoraConfig;
import org.attune.adapter.ModuleSelection;
import org.attune.model.pass.Recomputation;
import org.attune.policy.Policy;
import org.attune.tensor.Engine;
import org.attune.testing.TinyModels;
import org.attune.trainers.loop.RunContext;
import org.attune.trainers.loop.TrainingListener;
import org.attune.trainers.sft.SftConfig;
import org.attune.trainers.testing.ShortRun;
import org.attune.trainers.testing.TinyRollouts;
import org.attune.trainers.testing.TinyRun;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// Every method that generates says which off-policy correction it applies.
class CorrectionNoticeTest {
    private static final String DISTANCE_OF_TOKENS =
            "none: student and teacher are compared at each token, whatever wrote it";

    @TempDir private Path folder;

    @Tag("thorough")
    @Test
    void methodsSayWhatTheyDo() {
        assertEquals(
                List.of(
                        "none needed, since the weights that write a round are those that learn"
                                + " from it",
                        "importance sampling, sequence_mask, up to 3.0"),
                said(TinyRun.GRPO)); // whose source is another sampler than the settings say
        assertEquals(
                List.of(
                        "the clipped ratio to the log-probabilities of the policy when an update"
                                + " begins"),
                said(TinyRollouts.ppo()));
        assertEquals(
                List.of("none needed, since each step learns from completions of its start"),
                said(TinyRollouts.onlineDpo()));
        assertEquals(List.of(DISTANCE_OF_TOKENS), said(TinyRollouts.gkd()));
        assertEquals(List.of(DISTANCE_OF_TOKENS), said(TinyRollouts.distillation()));
    }

    private List<String> said(TinyRun method) {
        List<String> facts = new ArrayList<>();
        var listener =
                new TrainingListener() {
                    @Override
                    public void onFact(String name, String value) {
                        assertEquals("off_policy_correction", name);
                        facts.add(value);
                    }
                };
        Engine.call(
                () -> {
                    var options = new Policy.Options(Recomputation.NONE, true, 7, false);
                    var lora = LoraConfig.of(4, 8, 0, ModuleSelection.of("all-linear"));
                    var random = RandomSource.XO_RO_SHI_RO_128_PP.create(1L);
                    try (var decoder = TinyModels.decoder(TinyModels.tiedLlama());
                            var policy = Policy.withFreshAdapter(decoder, lora, random, options)) {
                        return method.train(
                                ShortRun.of(SftConfig.defaults().training(), 1, 1e-2, folder),
                                policy,
                                RunContext.of(_ -> {}).withListeners(listener));
                    }
                });
        return facts;
    }
}
