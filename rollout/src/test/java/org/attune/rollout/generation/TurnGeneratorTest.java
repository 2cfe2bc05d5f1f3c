package org.attune.rollout.generation;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.model.pass.Layout;
import org.attune.model.pass.Logits;
import org.attune.rollout.SampledTurn;
import org.attune.rollout.StopReason;
import org.attune.rollout.sampling.SamplingConfig;
import org.attune.rollout.sampling.SamplingConfig.Distribution;
import org.attune.rollout.testing.RandomDecoder;
import org.attune.tensor.Engine;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.IntStream;

/// Turns of sequences that go on, against passes without a cache.
final class TurnGeneratorTest {
    private static final List<int[]> PROMPTS =
            List.of(
                    new int[] {1, 2, 3, 4, 5, 6, 7, 8, 9},
                    new int[] {1, 2, 3, 4, 5, 6, 7, 8, 9},
                    new int[] {1, 2, 3},
                    new int[] {17},
                    new int[] {30, 2, 21, 30, 4},
                    new int[] {30, 2, 21, 30, 4});
    private static Decoder decoder;

    @BeforeAll
    static void load() {
        decoder = Engine.call(RandomDecoder::load);
    }

    @AfterAll
    static void close() {
        Engine.run(decoder::close);
    }

    private static Generator generator(int slots) {
        return new Generator(decoder, Adapter.OFF, Optional.empty(), slots);
    }

    private static SamplingConfig sampled(int tokens) {
        return SamplingConfig.of(Distribution.plain(), tokens, Set.of(7, 11), 11);
    }

    /// Tokens that follow a turn.
    private static int[] observed(int sequence, int turn) {
        return IntStream.range(0, 1 + (sequence + turn) % 3).map(i -> 20 + i).toArray();
    }

    /// So many turns of each prompt; a sequence goes on in the step after its turn.
    private static Map<Integer, List<SampledTurn>> turns(
            int slots, int tokens, int longestPrompt, int count) {
        var all = new TreeMap<Integer, List<SampledTurn>>();
        Engine.run(
                () -> {
                    int most = count * (tokens + 3);
                    try (TurnGenerator generator =
                            generator(slots)
                                    .turns(sampled(tokens), 6, longestPrompt, most, 1000, true)) {
                        for (int i = 0; i < PROMPTS.size(); i++) {
                            all.put(i, new ArrayList<>());
                            generator.begin(i, PROMPTS.get(i), tokens, 0);
                        }
                        while (generator.isBusy()) {
                            generator.step(turn -> all.get(turn.sequence()).add(turn));
                            all.forEach((i, turns) -> goOn(generator, i, turns, tokens, count));
                        }
                        checkReads(generator, all, slots, count);
                    }
                });
        return all;
    }

    private static void goOn(
            TurnGenerator generator, int i, List<SampledTurn> turns, int tokens, int count) {
        if (turns.size() == count) {
            generator.end(i);
        } else if (!turns.isEmpty() && !turns.getLast().equals(GONE_ON.get(i))) {
            GONE_ON.put(i, turns.getLast());
            generator.goOn(i, observed(i, turns.size()), tokens);
        }
    }

    private static final Map<Integer, SampledTurn> GONE_ON = new TreeMap<>();

    /// With a slot for each, every token is read once, but for the last of each sequence, and a
    /// beginning that is shared.
    private static void checkReads(
            TurnGenerator generator, Map<Integer, List<SampledTurn>> all, int slots, int count) {
        if (slots < PROMPTS.size()) {
            return;
        }
        long tokens = 0;
        for (int i = 0; i < PROMPTS.size(); i++) {
            tokens += PROMPTS.get(i).length - 1;
            for (int turn = 0; turn < count; turn++) {
                tokens += all.get(i).get(turn).ids().length;
                tokens += turn > 0 ? observed(i, turn).length : 0;
            }
        }
        assertTrue(generator.tokensRead() <= tokens, generator.tokensRead() + " of " + tokens);
    }

    @Test
    void logProbabilitiesOfTurnsAreThoseOfWholePasses() {
        for (int slots : new int[] {2, 6}) {
            Map<Integer, List<SampledTurn>> turns = turns(slots, 6, 9, 3);
            turns.forEach(TurnGeneratorTest::checkTurns);
        }
    }

    @Test
    void aSequenceKeepsItsPlaceForAWhile() {
        for (int away : new int[] {0, 3, 40}) {
            Engine.run(
                    () -> {
                        try (TurnGenerator generator =
                                generator(2).turns(sampled(8), 6, 9, 40, 1000, true)) {
                            boolean once = readOnce(generator, away);
                            assertEquals(away < 40, once, away + " steps away");
                        }
                    });
        }
    }

    /// Lets six sequences of different prompts have two turns each over two slots.
    ///
    /// @param away steps between turns, if others go on
    /// @return whether no token was read twice
    private static boolean readOnce(TurnGenerator generator, int away) {
        long[] tokens = {0};
        Map<Integer, Integer> turns = new TreeMap<>();
        Map<Integer, Integer> due = new TreeMap<>();
        for (int i = 0; i < 6; i++) {
            int[] prompt = {i, 1 + i, 2, 3, 4, 5, 6, 30 - i};
            tokens[0] += prompt.length - 1;
            generator.begin(i, prompt, 8, 0);
        }
        for (int step = 0; generator.isBusy() || !due.isEmpty(); step++) {
            int now = step;
            generator.step(
                    turn -> {
                        tokens[0] += turn.ids().length;
                        turns.merge(turn.sequence(), 1, Integer::sum);
                        due.put(turn.sequence(), now + away);
                    });
            for (int i : List.copyOf(due.keySet())) {
                if (due.get(i) <= now || !generator.isBusy()) {
                    due.remove(i);
                    if (turns.get(i) == 2) {
                        generator.end(i);
                    } else {
                        tokens[0] += 2;
                        generator.goOn(i, new int[] {20, 21}, 8);
                    }
                }
            }
        }
        assertEquals(6, turns.size());
        return generator.tokensRead() <= tokens[0];
    }

    @Test
    void aLongerPromptThanWasKnownIsRead() {
        turns(3, 6, 2, 2).forEach(TurnGeneratorTest::checkTurns);
    }

    private static void checkTurns(int sequence, List<SampledTurn> turns) {
        int[] ids = PROMPTS.get(sequence);
        for (int t = 0; t < turns.size(); t++) {
            if (t > 0) {
                ids = joined(ids, observed(sequence, t));
            }
            int from = ids.length;
            ids = joined(ids, turns.get(t).ids());
            double[] expected = logProbs(ids, from);
            for (int i = 0; i < expected.length; i++) {
                assertEquals(expected[i], turns.get(t).logProbs()[i], 1e-4, "token " + i);
            }
        }
    }

    private static int[] joined(int[] a, int[] b) {
        int[] all = Arrays.copyOf(a, a.length + b.length);
        System.arraycopy(b, 0, all, a.length, b.length);
        return all;
    }

    /// Of the tokens from one on, by one pass without a cache.
    private static double[] logProbs(int[] tokens, int from) {
        return Engine.call(
                () -> {
                    int[] positions = IntStream.range(0, tokens.length).toArray();
                    var layout =
                            new Layout(
                                    tokens,
                                    positions,
                                    List.of(new Layout.Span(-1, 0, tokens.length)));
                    double[] result = new double[tokens.length - from];
                    try (var _ = TensorScope.open("test")) {
                        Tensor all = Logits.of(decoder, layout, Adapter.OFF);
                        float[] z = all.toFloats();
                        int V = RandomDecoder.VOCABULARY;
                        for (int i = from; i < tokens.length; i++) {
                            double sum = 0;
                            for (int v = 0; v < V; v++) {
                                sum += Math.exp(z[(i - 1) * V + v]);
                            }
                            result[i - from] = z[(i - 1) * V + tokens[i]] - Math.log(sum);
                        }
                    }
                    return result;
                });
    }

    @Test
    void aTurnIsCutAtItsLimitAndFromOutside() {
        Engine.run(
                () -> {
                    try (TurnGenerator generator =
                            generator(2).turns(sampled(9), 2, 9, 40, 1000, true)) {
                        List<SampledTurn> turns = new ArrayList<>();
                        generator.begin(0, PROMPTS.get(0), 2, 0);
                        generator.begin(1, PROMPTS.get(2), 40, 0);
                        while (turns.isEmpty()) {
                            generator.step(turns::add);
                        }
                        assertEquals(StopReason.MAX_TOKENS, turns.getFirst().reason());
                        assertEquals(2, turns.getFirst().ids().length);
                        generator.cut(1);
                        generator.cut(1);
                        generator.step(turns::add);
                        assertEquals(2, turns.size());
                        assertEquals(StopReason.DEADLINE, turns.get(1).reason());
                        assertEquals(2, turns.get(1).ids().length);
                        generator.begin(1, PROMPTS.get(2), 40, 0); // begins again
                        generator.end(0);
                        generator.cut(1);
                        generator.step(turns::add);
                        assertEquals(0, turns.get(2).ids().length);
                    }
                });
    }

    @Test
    void drawsGoOnBehindThoseOfAnotherSequence() {
        int[] whole = first(0);
        assertArrayEquals(whole, first(0));
        assertTrue(!Arrays.equals(whole, first(5)), "other draws");
    }

    private static int[] first(int drawn) {
        return Engine.call(
                () -> {
                    try (TurnGenerator generator =
                            generator(1).turns(sampled(9), 1, 9, 40, 1000, true)) {
                        List<SampledTurn> turns = new ArrayList<>();
                        generator.begin(0, PROMPTS.getFirst(), 9, drawn);
                        while (turns.isEmpty()) {
                            generator.step(turns::add);
                        }
                        return turns.getFirst().ids();
                    }
                });
    }
}
