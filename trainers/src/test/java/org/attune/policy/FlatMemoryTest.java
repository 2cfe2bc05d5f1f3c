package org.attune.policy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.images.ImagePipeline.Prepared;
import org.attune.images.SeenPicture;
import org.attune.model.config.AttentionConfig;
import org.attune.model.config.DecoderConfig;
import org.attune.model.layer.Decoder;
import org.attune.optim.AdamW;
import org.attune.optim.FlatOptimizer;
import org.attune.optim.ParameterGroups;
import org.attune.tensor.Engine;
import org.attune.tensor.TensorScope;
import org.attune.testing.Hardware;
import org.attune.testing.InterpretedJvm;
import org.attune.testing.MemoryGrowth;
import org.attune.testing.ProcessMemory;
import org.attune.testing.TinyModels;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import java.util.stream.IntStream;

/// Training steps of one shape give back all memory they take. Two tests lose some on purpose and
/// see that the measurement finds it.
@Tag("thorough")
class FlatMemoryTest {
    private static final int WIDTH = 64;
    private static final DecoderConfig CONFIG =
            TinyModels.sized(
                    "llama",
                    WIDTH,
                    128,
                    128,
                    2,
                    new AttentionConfig(4, 2, 16, false, false, false, List.of(0, 0)),
                    false,
                    true);

    @BeforeAll
    static void requireGlibc() {
        Hardware.requireGlibc();
    }

    @Test
    void twoHundredStepsGiveEverythingBack() {
        InterpretedJvm.run(Steps.class, "written", "200", "0").assertFine();
    }

    @Test
    @Tag("slow")
    void twoHundredStepsWithRecomputationGiveEverythingBack() {
        InterpretedJvm.run(Steps.class, "recomputed", "200", "0").assertFine();
    }

    @Test
    @Tag("slow")
    void fourKibibytesLostAStepAreFound() {
        assertFound(4096);
    }

    @Test
    void aVectorOfTheModelsWidthLostAStepIsFound() {
        assertFound(WIDTH * Float.BYTES);
    }

    @Test
    void stepsThatTeachAnEncoderOfPicturesGiveEverythingBack() {
        InterpretedJvm.run(Seeing.class, "40").assertFine();
    }

    private static void assertFound(long lost) {
        InterpretedJvm.Result result = InterpretedJvm.run(Steps.class, "written", "60", "" + lost);
        assertNotEquals(0, result.exitCode());
        assertTrue(result.output().contains("memory is lost by a step"), result.output());
    }

    /// Optimizer steps of LoRA training on one forest.
    static final class Steps {
        private Steps() {}

        /// @param arguments `written` or `recomputed`; steps; bytes to lose in each
        public static void main(String[] arguments) {
            boolean recompute = arguments[0].equals("recomputed");
            Policy.Options options = recompute ? Outcome.RECOMPUTE : Outcome.DEFAULT;
            int steps = Integer.parseInt(arguments[1]);
            long lost = Long.parseLong(arguments[2]);
            Engine.run(
                    () -> {
                        try (var _ = TensorScope.open("test");
                                var decoder = TinyModels.decoder(CONFIG);
                                var policy = Outcome.lora(decoder, Outcome.allLinear(0), options);
                                var optimizer =
                                        new FlatOptimizer(
                                                policy.parameters(),
                                                AdamW.defaults(),
                                                ParameterGroups.of(0))) {
                            TokenForest forest = forest();
                            Runnable step =
                                    () -> {
                                        step(policy, optimizer, forest);
                                        if (lost > 0) {
                                            ProcessMemory.lose(lost);
                                        }
                                    };
                            MemoryGrowth.of(steps / 4, steps - steps / 4, step)
                                    .assertNone("a step of LoRA training, " + arguments[0]);
                        }
                    });
        }

        /// A pair with a common prompt.
        private static TokenForest forest() {
            var builder = TokenForest.builder();
            int prompt = builder.root(TinyModels.tokens("prompt", CONFIG, 16));
            for (String completion : List.of("chosen", "rejected")) {
                int child = builder.child(prompt, TinyModels.tokens(completion, CONFIG, 12));
                for (int i = 0; i < 12; i++) {
                    builder.target(child, i);
                }
            }
            return builder.build();
        }
    }

    private static void step(Policy policy, FlatOptimizer optimizer, TokenForest forest) {
        optimizer.zeroGradients();
        try (Evaluation e = policy.evaluate(forest, HeadRequest.of(HeadStatistic.ENTROPY))) {
            float[] weights = new float[forest.targetCount()];
            Arrays.fill(weights, -1f / weights.length);
            e.backward(weights);
        }
        optimizer.step(1e-4, 1 / Math.max(1, optimizer.gradientNorm()));
    }

    /// Optimizer steps that teach an encoder of pictures, all its weights or an adapter on it.
    static final class Seeing {
        private static final int IMAGE = 7;

        private Seeing() {}

        /// @param arguments steps of either
        public static void main(String[] arguments) {
            int steps = Integer.parseInt(arguments[0]);
            Engine.run(
                    () -> {
                        measure(
                                "all weights",
                                steps,
                                d -> Policy.withAllWeights(d, Outcome.DEFAULT));
                        measure(
                                "an adapter",
                                steps,
                                d -> Outcome.lora(d, Outcome.allLinear(0), Outcome.DEFAULT));
                    });
        }

        private static void measure(String what, int steps, Function<Decoder, Policy> open) {
            try (var _ = TensorScope.open("test");
                    var decoder = TinyModels.decoder(TinyModels.seeing());
                    var policy = open.apply(decoder);
                    var optimizer =
                            new FlatOptimizer(
                                    policy.parameters(), AdamW.defaults(), ParameterGroups.of(0))) {
                int[] text = {1, IMAGE, IMAGE, IMAGE, IMAGE, 5, IMAGE, IMAGE, IMAGE, IMAGE, 11, 12};
                int[] ids = SeenPicture.among(text, IMAGE, List.of(picture(1), picture(2)));
                var builder = TokenForest.builder();
                int root = builder.root(ids);
                IntStream.range(1, ids.length).forEach(i -> builder.target(root, i));
                TokenForest forest = builder.build();
                long before = decoder.picturesEncoded();
                Runnable step = () -> step(policy, optimizer, forest);
                MemoryGrowth.of(steps / 4, steps - steps / 4, step)
                        .assertNone("a step of training with pictures, " + what);
                assertEquals(2L * steps, decoder.picturesEncoded() - before, "the encoder learns");
            }
        }

        private static SeenPicture picture(int number) {
            float[] pixels = new float[3 * 8 * 8];
            Arrays.fill(pixels, number);
            String key = "picture " + number;
            int[] shape = {1, 3, 8, 8};
            return new SeenPicture(key, 4, () -> new Prepared(pixels, shape, new int[0], 4, key));
        }
    }
}
