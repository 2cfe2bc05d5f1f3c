package org.attune.policy;

import org.apache.commons.rng.simple.RandomSource;
import org.attune.adapter.LoraConfig;
import org.attune.adapter.ModuleSelection;
import org.attune.model.Decoder;
import org.attune.model.ModelSource;
import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.Engine;
import org.attune.tensor.TensorScope;

import java.util.Arrays;
import java.util.List;

/// Times one LoRA training step (r 16 on all linear layers) on a model, as
/// `main MODEL TOKENS SEGMENT DTYPE [recompute] [dropout]`: segments of equal length, 60 % of the
/// tokens trained. Prints the best of five.
public final class TrainingStepBench {
    private TrainingStepBench() {}

    public static void main(String[] args) {
        int tokens = Integer.parseInt(args[1]);
        int segment = Integer.parseInt(args[2]);
        DType dtype = DType.valueOf(args[3]);
        List<String> switches = List.of(args).subList(4, args.length);
        boolean recompute = switches.contains("recompute");
        double dropout = switches.contains("dropout") ? 0.05 : 0;
        Engine.run(
                () -> {
                    try (var scope = TensorScope.open("bench");
                            var source = ModelSource.open(args[0]);
                            var decoder =
                                    Decoder.load(
                                            source.config(),
                                            source.tensors(),
                                            Device.cpu(),
                                            dtype);
                            var policy = policy(decoder, recompute, dropout)) {
                        TokenForest forest = forest(tokens, segment, decoder);
                        double best = Double.MAX_VALUE;
                        for (int i = 0; i < 6; i++) {
                            best = Math.min(best, step(policy, forest));
                        }
                        System.out.printf(
                                "tokens %d segment %d %s: %.3f s, %.0f tokens/s%s%n",
                                tokens, segment, dtype, best, tokens / best, scope);
                    }
                });
    }

    private static Policy policy(Decoder decoder, boolean recompute, double dropout) {
        var config = LoraConfig.of(16, 32, dropout, ModuleSelection.of("all-linear"));
        return Policy.withFreshAdapter(
                decoder,
                config,
                RandomSource.XO_RO_SHI_RO_128_PP.create(1L),
                new Policy.Options(
                        recompute ? Policy.Options.ALL_BLOCKS : 0, true, 0, false));
    }

    private static TokenForest forest(int tokens, int segment, Decoder decoder) {
        var random = RandomSource.XO_RO_SHI_RO_128_PP.create(2L);
        var builder = TokenForest.builder();
        for (int from = 0; from < tokens; from += segment) {
            int[] ids = new int[Math.min(segment, tokens - from)];
            for (int i = 0; i < ids.length; i++) {
                ids[i] = random.nextInt(decoder.config().vocabSize());
            }
            int root = builder.root(ids);
            for (int i = (int) (ids.length * 0.4); i < ids.length; i++) {
                builder.target(root, Math.max(1, i));
            }
        }
        return builder.build();
    }

    private static double step(Policy policy, TokenForest forest) {
        long t0 = System.nanoTime();
        double forward;
        try (var evaluation =
                policy.evaluate(
                        forest, HeadRequest.of(HeadStatistic.ENTROPY, HeadStatistic.ARGMAX_HIT))) {
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
