package org.attune.policy;

import static org.attune.testing.TensorAssert.assertClose;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import org.apache.commons.rng.simple.RandomSource;
import org.attune.adapter.LoraConfig;
import org.attune.adapter.LoraInitialisation;
import org.attune.adapter.ModuleSelection;
import org.attune.model.config.DecoderConfig;
import org.attune.model.layer.Decoder;
import org.attune.model.source.FreshScore;
import org.attune.tensor.Engine;
import org.attune.tensor.TensorScope;
import org.attune.testing.TinyModels;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/// A policy and a critic with their own adapters on the same frozen weights: each computes what
/// it computes alone. Their adapters differ in rank, modules and what is trained whole.
class SharedWeightsTest {
    private static final DecoderConfig CONFIG = TinyModels.llama();

    private static LoraConfig config(
            int rank, List<String> modules, List<String> whole, String task) {
        return new LoraConfig(
                rank,
                6,
                0,
                false,
                false,
                new ModuleSelection.Names(modules),
                Optional.empty(),
                List.of(),
                List.of(),
                Map.of(),
                Map.of(),
                whole,
                false,
                LoraInitialisation.RANDOM_BOTH,
                task,
                Optional.empty());
    }

    private static final LoraConfig OF_POLICY =
            config(3, List.of("q_proj", "down_proj", "lm_head"), List.of("norm"), "CAUSAL_LM");

    /// With rank 3 it takes as many columns as the policy's, for another projection.
    private static LoraConfig ofCritic(int rank) {
        return config(rank, List.of("v_proj", "down_proj"), List.of("score"), LoraConfig.SEQ_CLS);
    }

    private static Decoder critic(Decoder trunk) {
        return Decoder.scorerOn(
                trunk,
                CONFIG.withLabels(1),
                new FreshScore(
                        TinyModels.weights(CONFIG),
                        CONFIG.withLabels(1),
                        0.3,
                        RandomSource.XO_SHI_RO_256_PP.create(5)));
    }

    private static TokenForest forest(boolean scores) {
        var builder = TokenForest.builder();
        int prompt = builder.root(TinyModels.tokens("prompt", CONFIG, 5));
        int child = builder.child(prompt, TinyModels.tokens("child", CONFIG, 6));
        for (int t = 0; t < 6; t++) {
            if (scores) {
                builder.score(child, t, 0);
            } else {
                builder.target(child, t);
            }
        }
        return builder.build();
    }

    /// Values and gradients.
    private record Seen(float[] values, float[] gradients) {}

    private static Seen pass(Policy policy, boolean scores) {
        policy.parameters().gradients().zeroInPlace();
        try (Evaluation e = policy.evaluate(forest(scores), HeadRequest.of())) {
            float[] values = e.measurement().tokenLogProbs();
            e.backward(new float[] {1, -2, 3, -1, 2, .5f});
            return new Seen(values, policy.parameters().gradients().toFloats());
        }
    }

    private static Policy policy(Decoder decoder) {
        return Policy.withFreshAdapter(
                decoder, OF_POLICY, TinyModels.random("policy"), Outcome.DEFAULT);
    }

    private static Policy critics(Decoder scorer, int rank) {
        return Policy.withFreshAdapter(
                scorer, ofCritic(rank), TinyModels.random("critic"), Outcome.DEFAULT);
    }

    private static Seen policyAlone() {
        try (Decoder decoder = TinyModels.decoder(CONFIG);
                Policy own = policy(decoder)) {
            return pass(own, false);
        }
    }

    private static Seen criticAlone(int rank) {
        try (Decoder decoder = TinyModels.decoder(CONFIG);
                Decoder scorer = critic(decoder);
                Policy own = critics(scorer, rank)) {
            return pass(own, true);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {5, 3})
    void eachIsAsAlone(int rank) {
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("test")) {
                        Seen policyAlone = policyAlone();
                        Seen criticAlone = criticAlone(rank);
                        try (Decoder decoder = TinyModels.decoder(CONFIG);
                                Decoder scorer = critic(decoder);
                                Policy policy = policy(decoder);
                                Policy critic = critics(scorer, rank)) {
                            for (int round = 0; round < 3; round++) {
                                policy.attachAdapter();
                                same(policyAlone, pass(policy, false));
                                critic.attachAdapter();
                                same(criticAlone, pass(critic, true));
                            }
                            policy.attachAdapter();
                            float[] off =
                                    policy.adapterOff()
                                            .measure(forest(false), HeadRequest.of())
                                            .tokenLogProbs();
                            try (Decoder plain = TinyModels.decoder(CONFIG)) {
                                assertClose(
                                        "adapter off",
                                        Policy.reference(plain)
                                                .measure(forest(false), HeadRequest.of())
                                                .tokenLogProbs(),
                                        off,
                                        1e-6,
                                        0);
                            }
                        }
                    }
                });
    }

    private static void same(Seen alone, Seen together) {
        assertArrayEquals(alone.values(), together.values(), 0);
        assertArrayEquals(alone.gradients(), together.gradients(), 0);
    }
}
