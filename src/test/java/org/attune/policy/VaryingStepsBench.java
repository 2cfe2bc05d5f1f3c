package org.attune.policy;

import org.apache.commons.rng.simple.RandomSource;
import org.attune.adapter.LoraConfig;
import org.attune.adapter.ModuleSelection;
import org.attune.model.layer.Decoder;
import org.attune.model.pass.Recomputation;
import org.attune.model.source.ModelSource;
import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.Engine;
import org.attune.tensor.TensorScope;
import org.attune.testing.ProcessMemory;

import java.util.Arrays;

/// Memory over LoRA steps of ever other lengths, as real data has them: `main MODEL STEPS TOKENS`.
/// Prints what `malloc` has handed out and what the process holds.
public final class VaryingStepsBench {
    private static final int SHORTEST = 20;

    private VaryingStepsBench() {}

    public static void main(String[] args) {
        int steps = Integer.parseInt(args[1]);
        int tokens = Integer.parseInt(args[2]);
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("bench");
                            var source = ModelSource.open(args[0]);
                            var decoder =
                                    Decoder.load(
                                            source.config(),
                                            source.tensors(),
                                            Device.cpu(),
                                            DType.BFLOAT16);
                            var policy = policy(decoder)) {
                        run(policy, decoder, steps, tokens);
                    }
                });
    }

    private static Policy policy(Decoder decoder) {
        return Policy.withFreshAdapter(
                decoder,
                LoraConfig.of(16, 32, 0, ModuleSelection.of("all-linear")),
                RandomSource.XO_RO_SHI_RO_128_PP.create(1L),
                new Policy.Options(Recomputation.NONE, false, 0, false));
    }

    private static void run(Policy policy, Decoder decoder, int steps, int most) {
        var random = RandomSource.XO_RO_SHI_RO_128_PP.create(3L);
        for (int step = 1; step <= steps; step++) {
            int total = random.nextInt(SHORTEST * 10, most);
            var builder = TokenForest.builder();
            int used = 0;
            while (used < total) {
                int[] ids = new int[Math.min(total - used, random.nextInt(SHORTEST, most / 2))];
                Arrays.setAll(ids, _ -> random.nextInt(decoder.config().vocabSize()));
                int root = builder.root(ids);
                for (int i = Math.max(1, ids.length / 3); i < ids.length; i++) {
                    builder.target(root, i);
                }
                used += ids.length;
            }
            TokenForest forest = builder.build();
            HeadRequest request = HeadRequest.of(HeadStatistic.ENTROPY, HeadStatistic.ARGMAX_HIT);
            try (var evaluation = policy.evaluate(forest, request)) {
                float[] weights = new float[forest.targetCount()];
                Arrays.fill(weights, -1f / Math.max(1, weights.length));
                evaluation.backward(weights);
            }
            System.out.printf(
                    "step %d, %d tokens: malloc %d MiB, resident %d MiB, live tensors %d MiB%n",
                    step,
                    total,
                    ProcessMemory.nativeBytes() >> 20,
                    ProcessMemory.residentBytes() >> 20,
                    TensorScope.liveBytes() >> 20);
        }
    }
}
