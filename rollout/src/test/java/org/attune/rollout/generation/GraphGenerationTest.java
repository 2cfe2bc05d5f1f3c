package org.attune.rollout.generation;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.model.config.DecoderConfig;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.rollout.SampledCompletion;
import org.attune.rollout.sampling.SamplingConfig;
import org.attune.rollout.sampling.SamplingConfig.Distribution;
import org.attune.tensor.DType;
import org.attune.tensor.DeviceTraffic;
import org.attune.tensor.Engine;
import org.attune.testing.Devices;
import org.attune.testing.SystemProperty;
import org.attune.testing.TinyModels;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// Completions by graphs of a GPU, simulated, beside those by single launches.
class GraphGenerationTest {
    private static final int VOCABULARY = 48;
    private static final int SLOTS = 9;
    private static final int TOKENS = 25;

    private static List<int[]> prompts(Decoder decoder) {
        List<int[]> prompts = new ArrayList<>();
        for (int i = 0; i < 14; i++) {
            prompts.add(TinyModels.tokens("prompt " + i / 2, decoder.config(), 3 + i / 2));
        }
        return prompts;
    }

    /// @return how many graphs were launched
    private static long generate(
            Decoder decoder,
            double share,
            Distribution distribution,
            List<SampledCompletion> completions) {
        var generator = new Generator(decoder, Adapter.OFF, Optional.empty(), SLOTS);
        var either = share == 0 ? generator : generator.mixedWith(decoder, Adapter.OFF, share);
        // With stop tokens batches shrink, and others take the slots.
        var sampling = SamplingConfig.of(distribution, TOKENS, Set.of(5, 11, 17), 3);
        Engine.run(DeviceTraffic::start);
        completions.addAll(either.generate(prompts(decoder), sampling, SequenceListener.NONE));
        return Engine.call(DeviceTraffic::stop).byOperator().getOrDefault("cuGraphLaunch", 0L);
    }

    private static void compare(double share, Distribution distribution) {
        DecoderConfig config =
                TinyModels.sized(
                        "llama",
                        32,
                        48,
                        VOCABULARY,
                        2,
                        TinyModels.llama().attention(),
                        false,
                        true);
        Decoder decoder =
                Engine.call(() -> TinyModels.decoder(config, DType.BFLOAT16, Devices.simulated()));
        try {
            List<SampledCompletion> graphs = new ArrayList<>();
            List<SampledCompletion> singly = new ArrayList<>();
            long launched = generate(decoder, share, distribution, graphs);
            assertTrue(launched > TOKENS, launched + " graphs");
            try (var _ = SystemProperty.set("attune.gpu.graphs", "off")) {
                assertEquals(0, generate(decoder, share, distribution, singly));
            }
            for (int i = 0; i < graphs.size(); i++) {
                assertArrayEquals(singly.get(i).ids(), graphs.get(i).ids());
                assertArrayEquals(singly.get(i).logProbs(), graphs.get(i).logProbs());
            }
        } finally {
            Engine.run(decoder::close);
        }
    }

    @Test
    void drawnTokensAreTheSame() {
        compare(0, Distribution.plain());
    }

    @Test
    void likeliestTokensAreTheSame() {
        compare(0, Distribution.greedy());
    }

    /// Each model has its own cache, and its own graphs.
    @Test
    void tokensOfTwoModelsAreTheSame() {
        compare(0.3, Distribution.plain().withTemperature(0.7));
    }
}
