package org.attune.trainers.layout;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import org.attune.datasets.rows.RowOrigin;
import org.attune.policy.TokenForest;
import org.attune.trainers.examples.CompletionTokens;
import org.attune.trainers.examples.ImitationPair;
import org.attune.trainers.examples.PackedRow;
import org.attune.trainers.examples.PreferenceExample;
import org.attune.trainers.examples.SftExample;
import org.junit.jupiter.api.Test;

import java.util.Arrays;
import java.util.BitSet;
import java.util.List;

class ForestsTest {
    private static final RowOrigin ORIGIN = new RowOrigin("test", 1, 0);

    @Test
    void eachDocumentIsARootAndItsFirstTokenNoTarget() {
        var first =
                new SftExample(new int[] {10, 11, 12}, new boolean[] {true, true, true}, ORIGIN);
        var second = new SftExample(new int[] {20, 21}, new boolean[] {false, true}, ORIGIN);
        var third = new SftExample(new int[] {30, 31}, new boolean[] {true, false}, ORIGIN);
        SftForest laid =
                SftForest.of(
                        List.of(
                                new PackedRow(List.of(first, second)),
                                new PackedRow(List.of(third))),
                        true);
        assertArrayEquals(new int[] {10, 11, 20}, laid.forest().tokens());
        assertArrayEquals(new int[] {0, 1, 0}, laid.forest().positions());
        assertArrayEquals(new int[] {0, 1, 2}, laid.forest().targetSources());
        assertArrayEquals(new int[] {11, 12, 21}, laid.forest().targetTokens());
        assertEquals(List.of(new TargetRange(0, 3), new TargetRange(3, 3)), laid.rows());
        assertEquals(3, first.trainedTokens() + second.trainedTokens() + third.trainedTokens());
    }

    @Test
    void aPairSharesWhatBothSidesBeginWith() {
        // The root is the prompt and 13, which is a target twice.
        String prompt = "1 2 3 4 5 6 7 8 9 10 11 12";
        PreferenceForest laid = PreferenceForest.of(List.of(pair(prompt, "13 4", "13 5 6")), true);
        TokenForest forest = laid.forest();
        assertEquals(14, forest.size());
        assertArrayEquals(new int[] {13, 5}, Arrays.copyOfRange(forest.tokens(), 12, 14));
        assertArrayEquals(new int[] {12, 13}, Arrays.copyOfRange(forest.positions(), 12, 14));
        assertArrayEquals(new int[] {13, 4, 13, 5, 6}, forest.targetTokens());
        assertArrayEquals(new int[] {11, 12, 11, 12, 13}, forest.targetSources());
        assertEquals(List.of(new TargetRange(0, 2)), laid.chosen());
        assertEquals(List.of(new TargetRange(2, 5)), laid.rejected());
    }

    @Test
    void foreignTokensOfACompletionAreNoTargets() {
        var foreign = new BitSet();
        foreign.set(3, 5);
        var chosen = new CompletionTokens(new int[] {1, 2, 3, 4, 5, 6}, 2, foreign);
        var rejected = new CompletionTokens(new int[] {1, 2, 7}, 2);
        var pair = new PreferenceExample(chosen, rejected, ORIGIN);
        assertEquals(2, chosen.trainedTokens());
        PreferenceForest laid = PreferenceForest.of(List.of(pair), false);
        assertArrayEquals(new int[] {3, 6, 7}, laid.forest().targetTokens());
        assertEquals(List.of(new TargetRange(0, 2)), laid.chosen());
        ImitationForest imitated =
                ImitationForest.of(
                        List.of(new ImitationPair(pair, chosen.startingAt(0), false)), false);
        assertArrayEquals(new int[] {2, 3, 6, 7}, imitated.forest().targetTokens());
        assertEquals(List.of(new TargetRange(1, 3)), imitated.chosen());
        assertEquals(List.of(new TargetRange(0, 3)), imitated.imitated());
        CompletionTokens cut = chosen.slice(1, 5);
        assertArrayEquals(new int[] {2, 3, 4, 5}, cut.ids());
        assertEquals(1, cut.completionStart());
        assertEquals(1, cut.trainedTokens());
    }

    @Test
    void aForkedCompletionIsTrainedBehindItsOwnTokens() {
        int[] prompt = {1, 2, 3};
        int[] other = {1, 2, 9, 8};
        var forked =
                new CompletionForest.Row(
                        prompt, new int[] {4, 5, 6}, List.of(new CompletionForest.Fork(2, other)));
        var plain = new CompletionForest.Row(prompt, new int[] {7});
        List<CompletionForest.Row> apart =
                List.of(
                        new CompletionForest.Row(prompt, new int[] {4, 5}),
                        new CompletionForest.Row(other, new int[] {6}),
                        plain);
        for (boolean shares : new boolean[] {true, false}) {
            CompletionForest laid = CompletionForest.of(List.of(forked, plain), shares);
            TokenForest expected = CompletionForest.of(apart, shares).forest();
            assertArrayEquals(expected.tokens(), laid.forest().tokens());
            assertArrayEquals(expected.targetTokens(), laid.forest().targetTokens());
            assertArrayEquals(expected.targetSources(), laid.forest().targetSources());
            assertEquals(List.of(new TargetRange(0, 3), new TargetRange(3, 4)), laid.completions());
            CompletionForest values =
                    CompletionForest.values(List.of(forked, plain), new int[] {4, 2}, shares);
            assertArrayEquals(
                    CompletionForest.values(apart, new int[] {2, 2, 2}, shares)
                            .forest()
                            .targetSources(),
                    values.forest().targetSources());
            var second = new BitSet();
            second.set(1);
            CompletionForest own =
                    CompletionForest.own(
                            List.of(forked, plain), List.of(second, new BitSet()), shares);
            assertArrayEquals(new int[] {4, 6, 7}, own.forest().targetTokens());
            assertEquals(List.of(new TargetRange(0, 2), new TargetRange(2, 3)), own.completions());
        }
        assertArrayEquals(new int[] {3, 4}, forked.starts());
    }

    @Test
    void withoutSharingTheTargetsAreTheSame() {
        List<PreferenceExample> pairs =
                List.of(pair("1 2", "3 4", "3 5 6"), pair("", "7 8", "9"), pair("1", "2", "2 3"));
        PreferenceForest shared = PreferenceForest.of(pairs, true);
        PreferenceForest separate = PreferenceForest.of(pairs, false);
        assertArrayEquals(separate.forest().targetTokens(), shared.forest().targetTokens());
        assertEquals(separate.chosen(), shared.chosen());
        assertEquals(separate.rejected(), shared.rejected());
        assertEquals(6, separate.forest().segments().size());
    }

    /// Prompt and third answer are laid out once; of ORPO the prompt's tokens are targets too.
    @Test
    void threeAnswersShareTheirPrompt() {
        String prompt = "1 2 3 4 5 6 7 8 9 10 11 12";
        PreferenceExample pair = pair(prompt, "13 4", "14 5 6");
        CompletionTokens third = side(prompt, "15 7 8");
        ImitationForest laid =
                ImitationForest.of(List.of(new ImitationPair(pair, third, true)), true);
        assertEquals(12 + 1 + 2 + 2, laid.forest().size());
        assertArrayEquals(new int[] {13, 4, 14, 5, 6, 15, 7, 8}, laid.forest().targetTokens());
        assertEquals(List.of(new TargetRange(0, 2)), laid.chosen());
        assertEquals(List.of(new TargetRange(2, 5)), laid.rejected());
        assertEquals(List.of(new TargetRange(5, 8)), laid.imitated());

        var whole = new CompletionTokens(pair.chosen().ids(), 0);
        ImitationForest all =
                ImitationForest.of(List.of(new ImitationPair(pair, whole, false)), true);
        assertEquals(12 + 1 + 2, all.forest().size());
        assertEquals(List.of(new TargetRange(11, 13)), all.chosen());
        assertEquals(List.of(new TargetRange(0, 13)), all.imitated());
        assertEquals(List.of(new TargetRange(13, 16)), all.rejected());
    }

    /// Three positions of each sequence are looked at; what a sequence lacks is padding.
    @Test
    void paddedSequencesHaveATargetAtEachPosition() {
        PaddedForest padded = PaddedForest.of(List.of(new int[] {1, 2, 3, 4}, new int[] {5}), 3, 9);
        assertEquals(List.of(new TargetRange(0, 3), new TargetRange(3, 6)), padded.sequences());
        int[] sources = padded.forest().targetSources();
        assertArrayEquals(
                new int[] {1, 2, 3, 5, 9, 9},
                Arrays.stream(sources).map(s -> padded.forest().tokens()[s]).toArray());
    }

    @Test
    void targetCountsMatchTheExamplesOwn() {
        PreferenceExample pair = pair("", "7 8", "9");
        assertEquals(1, pair.chosen().trainedTokens());
        assertEquals(0, pair.rejected().trainedTokens());
        assertEquals(1, PreferenceForest.of(List.of(pair), true).forest().targetCount());
    }

    private static PreferenceExample pair(String prompt, String chosen, String rejected) {
        return new PreferenceExample(side(prompt, chosen), side(prompt, rejected), ORIGIN);
    }

    private static CompletionTokens side(String prompt, String completion) {
        int[] ids =
                Arrays.stream((prompt + " " + completion).strip().split(" "))
                        .mapToInt(Integer::parseInt)
                        .toArray();
        return new CompletionTokens(ids, prompt.isEmpty() ? 0 : prompt.split(" ").length);
    }
}
