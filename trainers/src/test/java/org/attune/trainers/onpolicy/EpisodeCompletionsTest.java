package org.attune.trainers.onpolicy;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.mockito.ArgumentMatchers.any;
import static org.mockito.ArgumentMatchers.anyBoolean;
import static org.mockito.Mockito.mock;
import static org.mockito.Mockito.when;

import org.attune.datasets.rows.RowOrigin;
import org.attune.episode.EndReason;
import org.attune.reward.Completion;
import org.attune.reward.RewardBatch;
import org.attune.rollout.RolloutPrompt;
import org.attune.rollout.SampledCompletion;
import org.attune.rollout.StopReason;
import org.attune.text.Message;
import org.attune.text.Tokenizer;
import org.attune.trainers.examples.PromptExample;
import org.attune.trainers.layout.CompletionForest;
import org.attune.trainers.testing.Episodes;
import org.junit.jupiter.api.Test;

import java.util.BitSet;
import java.util.List;
import java.util.Map;

/// What trainers and reward functions see of episodes.
class EpisodeCompletionsTest {
    private static final List<PromptExample> DATA =
            List.of(row(0, 5, 6), row(1, 7)); // the second one begins with a longer prompt

    private static PromptExample row(int number, int... ids) {
        return new PromptExample(
                ids,
                "as rendered",
                List.of(Message.of("user", "q")),
                Map.of("answer", "a"),
                new RowOrigin("rows.jsonl", number + 1, number));
    }

    private static SampledCompletion sampled(int... prompt) {
        return SampledCompletion.of(
                Episodes.of(prompt)
                        .turn(new int[] {1, 2}, new int[] {3}, "lookup", "Oslo")
                        .turn(new int[] {4}, "It is Oslo.")
                        .ended(EndReason.ANSWERED),
                StopReason.STOP_TOKEN);
    }

    @Test
    void groupsAreTheSameObjectsAndNeighbouringGroupsAreNot() {
        List<RolloutPrompt> prompts = AskedPrompts.of(new int[] {1, 1, 0}, DATA, 2).prompts();
        assertSame(prompts.get(0), prompts.get(1));
        assertNotSame(prompts.get(1), prompts.get(2));
        assertSame(prompts.get(1).ids(), prompts.get(2).ids());
        assertEquals(1, prompts.get(2).row());
        assertEquals(Map.of("answer", "a"), prompts.get(4).columns());
    }

    @Test
    void promptsOfEpisodesTakeThePlaceOfTheRowsAndAreSharedInAGroup() {
        List<CompletionForest.Row> rows =
                AskedPrompts.of(new int[] {0, 1}, DATA, 2)
                        .tokens(
                                List.of(
                                        sampled(5, 6),
                                        sampled(5, 6),
                                        sampled(7, 8),
                                        sampled(7, 8)));
        assertSame(DATA.getFirst().ids(), rows.getFirst().prompt());
        assertSame(DATA.getFirst().ids(), rows.get(1).prompt());
        assertArrayEquals(new int[] {7, 8}, rows.get(2).prompt());
        assertSame(rows.get(2).prompt(), rows.get(3).prompt());
        assertArrayEquals(new int[] {1, 2, 3, 4}, rows.get(3).completion());
    }

    @Test
    void aTurnWhoseHistoryWasRenderedAnewFollowsOtherTokens() {
        int[] context = {5, 6, 1, 9};
        SampledCompletion forked =
                SampledCompletion.of(
                        Episodes.of(5, 6)
                                .turn(new int[] {1, 2}, new int[0], "lookup", "Oslo")
                                .turn(new int[] {4}, "It is Oslo.")
                                .behind(context)
                                .ended(EndReason.ANSWERED),
                        StopReason.STOP_TOKEN);
        CompletionForest.Row row =
                AskedPrompts.of(new int[] {0}, DATA, 1).tokens(List.of(forked)).getFirst();
        assertEquals(2, row.sequences().size());
        assertArrayEquals(new int[] {5, 6, 1, 2}, row.sequences().get(0));
        assertArrayEquals(new int[] {5, 6, 1, 9, 4}, row.sequences().get(1));
    }

    @Test
    void tokensOfToolsAreForeign() {
        SampledCompletion sampled = sampled(5, 6);
        assertEquals(BitSet.valueOf(new long[] {0b0100}), sampled.foreign());
        assertEquals(3, sampled.ownTokens());
    }

    @Test
    void anEpisodeWithoutTokensStandsAsOneThatIsForeign() {
        SampledCompletion none =
                SampledCompletion.of(
                        Episodes.of(5, 6).ended(EndReason.FAILED), StopReason.MAX_TOKENS);
        assertTrue(none.isFailed());
        assertArrayEquals(new int[] {6}, none.ids());
        assertEquals(0, none.ownTokens());
    }

    @Test
    void rewardsSeeAllMessagesAndTheLastAnswerAsText() {
        Tokenizer tokenizer = mock();
        when(tokenizer.decode(any(), anyBoolean())).thenReturn("decoded");
        var text = new CompletionText(tokenizer);
        Completion completion = text.completion(DATA.getFirst(), sampled(5, 6));
        assertEquals("It is Oslo.", completion.text());
        assertEquals(
                List.of("assistant", "tool", "assistant"),
                completion.messages().stream().map(Message::role).toList());
        assertEquals("as rendered", text.prompt(DATA.getFirst(), sampled(5, 6)).text());
        assertEquals("decoded", text.prompt(DATA.get(1), sampled(7, 8)).text());
        var batch =
                new RewardBatch(
                        List.of(text.prompt(DATA.getFirst(), sampled(5, 6))),
                        List.of(completion),
                        Map.of());
        assertEquals(2, batch.episodes().getFirst().turns().size());
        var plain =
                new RewardBatch(
                        batch.prompts(),
                        List.of(new Completion("text", new int[] {1}, List.of())),
                        Map.of());
        assertTrue(
                assertThrows(IllegalStateException.class, plain::episodes)
                        .getMessage()
                        .contains("neither tools nor environments"));
    }
}
