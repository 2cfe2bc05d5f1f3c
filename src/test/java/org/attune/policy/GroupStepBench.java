package org.attune.policy;

import org.apache.commons.rng.UniformRandomProvider;
import org.apache.commons.rng.simple.RandomSource;
import org.attune.adapter.LoraConfig;
import org.attune.adapter.ModuleSelection;
import org.attune.model.Decoder;
import org.attune.model.ModelSource;
import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.Engine;
import org.attune.tensor.OperatorTimes;
import org.attune.tensor.TensorScope;

import java.util.Arrays;

/// Times a LoRA training step (r 16 on all linear layers) on prompts with several completions, as
/// `main MODEL DTYPE PROMPTS COMPLETIONS PROMPT_LENGTH COMPLETION_LENGTH`, and lists the operators
/// of the last of five steps. One completion is a plain row.
public final class GroupStepBench {
    private GroupStepBench() {}

    public static void main(String[] args) {
        DType dtype = DType.valueOf(args[1]);
        int[] sizes = Arrays.stream(args).skip(2).mapToInt(Integer::parseInt).toArray();
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("bench");
                            var source = ModelSource.open(args[0]);
                            var decoder =
                                    Decoder.load(
                                            source.config(),
                                            source.tensors(),
                                            Device.cpu(),
                                            dtype);
                            var policy = policy(decoder)) {
                        TokenForest forest = forest(sizes, decoder);
                        double best = Double.MAX_VALUE;
                        for (int i = 0; i < 5; i++) {
                            best = Math.min(best, step(policy, forest));
                        }
                        OperatorTimes.start();
                        double timed = step(policy, forest);
                        System.out.printf(
                                "%d rows: %.3f s, %.0f rows/s; with operators timed %.3f s%n",
                                forest.size(), best, forest.size() / best, timed);
                        OperatorTimes.stop().stream().limit(40).forEach(GroupStepBench::print);
                    }
                });
    }

    private static void print(OperatorTimes.Line line) {
        System.out.printf(
                "%-40s %7d calls %9.1f ms%n", line.operator(), line.calls(), 1e3 * line.seconds());
    }

    private static Policy policy(Decoder decoder) {
        return Policy.withFreshAdapter(
                decoder,
                LoraConfig.of(16, 32, 0, ModuleSelection.of("all-linear")),
                RandomSource.XO_RO_SHI_RO_128_PP.create(1L),
                new Policy.Options(0, true, 0, false));
    }

    private static TokenForest forest(int[] sizes, Decoder decoder) {
        var random = RandomSource.XO_RO_SHI_RO_128_PP.create(2L);
        var builder = TokenForest.builder();
        int vocabulary = decoder.config().vocabSize();
        for (int p = 0; p < sizes[0]; p++) {
            int root = builder.root(ids(random, sizes[2], vocabulary));
            for (int c = 0; c < sizes[1]; c++) {
                int child = builder.child(root, ids(random, sizes[3], vocabulary));
                for (int i = 0; i < sizes[3]; i++) {
                    builder.target(child, i);
                }
            }
        }
        return builder.build();
    }

    private static int[] ids(UniformRandomProvider random, int length, int vocabulary) {
        return random.ints(length, 0, vocabulary).toArray();
    }

    private static double step(Policy policy, TokenForest forest) {
        long t0 = System.nanoTime();
        double forward;
        try (var evaluation = policy.evaluate(forest, HeadRequest.of(HeadStatistic.ENTROPY))) {
            forward = (System.nanoTime() - t0) / 1e9;
            float[] weights = new float[forest.targetCount()];
            Arrays.fill(weights, -1f / weights.length);
            evaluation.backward(weights);
        }
        double total = (System.nanoTime() - t0) / 1e9;
        System.out.printf("  forward and head %.3f backward %.3f%n", forward, total - forward);
        return total;
    }
}
