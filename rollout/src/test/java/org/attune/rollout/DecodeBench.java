package org.attune.rollout;

import org.apache.commons.rng.simple.RandomSource;
import org.attune.adapter.LoraConfig;
import org.attune.adapter.ModuleSelection;
import org.attune.model.Adapter;
import org.attune.model.Decoder;
import org.attune.model.ModelSource;
import org.attune.policy.Policy;
import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.Engine;
import org.attune.tensor.OperatorTimes;
import org.attune.tensor.TensorScope;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// Times generation, as `main MODEL DTYPE SEQUENCES PROMPT_LENGTH NEW_TOKENS [lora]`: different
/// prompts, all sampled at temperature 1, none ending early. Prints the best of five rounds and the
/// operators of one more.
public final class DecodeBench {
    private DecodeBench() {}

    public static void main(String[] args) {
        DType dtype = DType.valueOf(args[1]);
        int sequences = Integer.parseInt(args[2]);
        int length = Integer.parseInt(args[3]);
        int added = Integer.parseInt(args[4]);
        boolean lora = args.length > 5;
        Engine.run(
                () -> {
                    try (var _ = TensorScope.open("bench");
                            var source = ModelSource.open(args[0]);
                            var decoder =
                                    Decoder.load(
                                            source.config(),
                                            source.tensors(),
                                            Device.cpu(),
                                            dtype)) {
                        Adapter adapter = lora ? withAdapter(decoder) : Adapter.OFF;
                        var generator =
                                new Generator(decoder, adapter, Optional.empty(), sequences);
                        List<int[]> prompts = prompts(sequences, length, decoder);
                        int all = sequences * added;
                        double prefill = Double.MAX_VALUE;
                        double whole = Double.MAX_VALUE;
                        for (int i = 0; i < 5; i++) {
                            prefill = Math.min(prefill, seconds(generator, prompts, 1));
                            whole = Math.min(whole, seconds(generator, prompts, added));
                        }
                        System.out.printf(
                                "%d sequences: prompts %.3f s (%.0f tokens/s), whole %.3f s"
                                        + " (%.0f tokens/s), a token of all %.1f ms"
                                        + " (%.0f tokens/s)%n",
                                sequences,
                                prefill,
                                sequences * length / prefill,
                                whole,
                                all / whole,
                                1e3 * (whole - prefill) / (added - 1),
                                (added - 1) * sequences / (whole - prefill));
                        OperatorTimes.start();
                        double timed = seconds(generator, prompts, added);
                        System.out.printf("with operators timed %.3f s%n", timed);
                        OperatorTimes.stop().stream().limit(30).forEach(DecodeBench::print);
                    }
                });
    }

    private static void print(OperatorTimes.Line line) {
        System.out.printf(
                "%-40s %7d calls %9.1f ms%n", line.operator(), line.calls(), 1e3 * line.seconds());
    }

    private static Adapter withAdapter(Decoder decoder) {
        Policy.withFreshAdapter(
                decoder,
                LoraConfig.of(16, 32, 0, ModuleSelection.of("all-linear")),
                RandomSource.XO_RO_SHI_RO_128_PP.create(1L),
                new Policy.Options(0, true, 0, false));
        return Adapter.TRAINED;
    }

    private static List<int[]> prompts(int count, int length, Decoder decoder) {
        var random = RandomSource.XO_RO_SHI_RO_128_PP.create(2L);
        List<int[]> prompts = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            prompts.add(random.ints(length, 0, decoder.config().vocabSize()).toArray());
        }
        return prompts;
    }

    private static double seconds(Generator generator, List<int[]> prompts, int added) {
        var config = SamplingConfig.of(SamplingConfig.Distribution.plain(), added, Set.of(), 1);
        long t0 = System.nanoTime();
        generator.generate(prompts, config, TokenListener.NONE);
        return (System.nanoTime() - t0) / 1e9;
    }
}
