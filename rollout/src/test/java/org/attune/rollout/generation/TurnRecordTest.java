package org.attune.rollout.generation;

import static org.attune.testing.TensorAssert.assertClose;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.apache.commons.rng.simple.RandomSource;
import org.attune.adapter.LoraConfig;
import org.attune.adapter.ModuleSelection;
import org.attune.model.decode.ForwardRecord;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.policy.CausalPolicy;
import org.attune.policy.Evaluation;
import org.attune.policy.HeadRequest;
import org.attune.policy.ParameterSpace;
import org.attune.policy.Policy;
import org.attune.policy.TokenForest;
import org.attune.rollout.SampledCompletion;
import org.attune.rollout.SampledTurn;
import org.attune.rollout.sampling.SamplingConfig;
import org.attune.rollout.sampling.SamplingConfig.Distribution;
import org.attune.tensor.Device;
import org.attune.tensor.Engine;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.testing.Hardware;
import org.attune.testing.TinyModels;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;

/// Turns where the kernels of processors with vectors serve: bits, and backward passes that start
/// from what was read in several turns.
final class TurnRecordTest {
    private static final int TOKENS = 10;
    private static final int TURNS = 3;
    private static final int[] OBSERVED = {20, 21, 22};

    @BeforeAll
    static void requireKernels() {
        Hardware.requireProcessor();
        Hardware.requireVectors(32);
    }

    private static List<int[]> prompts() {
        int[] one = IntStream.range(0, 20).map(i -> (i * 7) % 31).toArray();
        int[] longer = IntStream.range(0, 23).map(i -> (i * 7 + i / 12) % 31).toArray();
        return List.of(one, one, one, new int[] {5}, new int[] {5}, longer, longer);
    }

    private static SamplingConfig config(int tokens) {
        return SamplingConfig.of(Distribution.plain(), tokens, Set.of(1, 2, 3), 11);
    }

    @Test
    void aTurnThatIsTheOnlyOneIsTheGeneratorsToTheBit() {
        Engine.run(
                () -> {
                    try (Decoder decoder = TinyModels.decoder(TinyModels.wideHeads())) {
                        for (int slots : new int[] {1, 2, 3, 4, 7}) {
                            var by = new Generator(decoder, Adapter.OFF, Optional.empty(), slots);
                            List<SampledCompletion> expected =
                                    by.generate(prompts(), config(TOKENS), SequenceListener.NONE);
                            // With a slot for each, nothing is overwritten.
                            List<List<SampledTurn>> turns = turns(by, 1, slots == 7);
                            for (int i = 0; i < expected.size(); i++) {
                                SampledTurn turn = turns.get(i).getFirst();
                                assertArrayEquals(expected.get(i).ids(), turn.ids());
                                assertArrayEquals(
                                        expected.get(i).logProbs(),
                                        turn.logProbs(),
                                        slots + " slots, prompt " + i);
                                assertEquals(expected.get(i).reason(), turn.reason());
                            }
                        }
                    }
                });
    }

    /// So many turns of each prompt, with [#OBSERVED] between them.
    private static List<List<SampledTurn>> turns(Generator by, int count, boolean mayGoOn) {
        List<List<SampledTurn>> all = new ArrayList<>();
        int most = count * TOKENS + (count - 1) * OBSERVED.length;
        long read = Generator.tokensRead(prompts(), most);
        try (TurnGenerator turns =
                by.turns(config(TOKENS), prompts().size(), 23, most, read, mayGoOn)) {
            for (int i = 0; i < prompts().size(); i++) {
                all.add(new ArrayList<>());
                turns.begin(i, prompts().get(i), TOKENS, 0);
            }
            while (turns.isBusy()) {
                List<SampledTurn> ended = new ArrayList<>();
                turns.step(ended::add);
                for (SampledTurn turn : ended) {
                    int i = turn.sequence();
                    all.get(i).add(turn);
                    if (all.get(i).size() == count) {
                        turns.end(i);
                    } else {
                        turns.goOn(i, OBSERVED, TOKENS);
                    }
                }
            }
        }
        return all;
    }

    @Test
    void aBackwardPassStartsFromWhatSeveralTurnsRead() {
        Engine.run(
                () -> {
                    try (Decoder decoder = TinyModels.decoder(TinyModels.wideHeads());
                            Policy policy = lora(decoder);
                            var record = new ForwardRecord(decoder, policy.adapterInUse())) {
                        policy.reuse(record);
                        var by =
                                new Generator(decoder, policy.adapterInUse(), Optional.empty(), 7)
                                        .recording(record);
                        TokenForest forest = forest(turns(by, TURNS, true));
                        assertTrue(record.rows(Policy.layout(forest)).isPresent());
                        Seen reused = pass(policy, forest);
                        record.forget();
                        assertFalse(record.rows(Policy.layout(forest)).isPresent());
                        Seen expected = pass(policy, forest);
                        assertClose(
                                "log-probs", expected.logProbs(), reused.logProbs(), 1e-5, 1e-5);
                        assertClose("gradient", expected.gradients(), reused.gradients(), 1e-4, 0);
                    }
                });
    }

    private static Policy lora(Decoder decoder) {
        var random = RandomSource.XO_SHI_RO_256_PP.create(3L);
        var config = LoraConfig.of(3, 6, 0, ModuleSelection.of("all-linear"));
        Policy policy = Policy.withFreshAdapter(decoder, config, random, Policy.Options.defaults());
        try (var _ = TensorScope.open("shift")) {
            Tensor values = parameters(policy).values();
            float[] noise = new float[Math.toIntExact(values.size(0))];
            for (int i = 0; i < noise.length; i++) {
                noise[i] = random.nextFloat() / 4 - 0.125f;
            }
            values.addInPlace(Tensor.of(Device.cpu(), noise, noise.length));
        }
        parameters(policy).valuesChanged();
        return policy;
    }

    /// Own tokens are targets, those from outside aren't.
    private static TokenForest forest(List<List<SampledTurn>> all) {
        var builder = TokenForest.builder();
        for (int i = 0; i < all.size(); i++) {
            int[] ids = prompts().get(i);
            List<Integer> targets = new ArrayList<>();
            for (int turn = 0; turn < all.get(i).size(); turn++) {
                ids = turn > 0 ? joined(ids, OBSERVED) : ids;
                int[] own = all.get(i).get(turn).ids();
                IntStream.range(ids.length, ids.length + own.length).forEach(targets::add);
                ids = joined(ids, own);
            }
            int root = builder.root(ids);
            targets.forEach(target -> builder.target(root, target));
        }
        return builder.build();
    }

    private static int[] joined(int[] a, int[] b) {
        return IntStream.concat(IntStream.of(a), IntStream.of(b)).toArray();
    }

    private static ParameterSpace parameters(CausalPolicy policy) {
        return policy.parameters();
    }

    private record Seen(float[] logProbs, float[] gradients) {}

    private static Seen pass(Policy policy, TokenForest forest) {
        parameters(policy).gradients().zeroInPlace();
        try (Evaluation e = policy.evaluate(forest, HeadRequest.of())) {
            float[] slopes = new float[forest.targetCount()];
            for (int i = 0; i < slopes.length; i++) {
                slopes[i] = (i * 5 % 7 - 3) / 4f;
            }
            float[] logProbs = e.measurement().tokenLogProbs();
            e.backward(slopes);
            return new Seen(logProbs, parameters(policy).gradients().toFloats());
        }
    }
}
