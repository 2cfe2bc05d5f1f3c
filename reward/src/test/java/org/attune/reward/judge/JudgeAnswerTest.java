package org.attune.reward.judge;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.attune.reward.Completion;
import org.attune.text.Message;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.List;
import java.util.Map;

class JudgeAnswerTest {
    @ParameterizedTest
    @CsvSource({
        "Score: 4, 4",
        "'**Score:** 3', 3",
        "'Good.\n\nScore: **5**', 5",
        "'Score (1-5): 2', 2",
        "'score = 3.5', 3.5",
        "'On a scale from 1 to 5 the score is 4.', 4",
        "'{\"reason\": \"2 faults\", \"score\": 3}', 3",
        "5, 5",
        "'4/5', 4",
        "'Rating: 4 out of 5', 4",
        "'Score: 1 at first sight.\nScore: 4', 4",
        "'<think>Score: 1?</think>\nScore: 5', 5",
        "'There are 3 faults.\n**2**', 2",
        "'Final score: 2.', 2",
    })
    void readsScores(String answer, double score) throws UnreadableAnswerException {
        assertEquals(score, JudgeAnswer.score(answer, JudgeScale.DEFAULT));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "I can't say.",
                "Score: 9",
                "Score: high",
                "There are 3 faults.",
                "Score: -4"
            })
    void readsNoScoreWhereThereIsNone(String answer) {
        assertThrows(
                UnreadableAnswerException.class,
                () -> JudgeAnswer.score(answer, JudgeScale.DEFAULT));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"1\": 5, \"2\": 1, \"3\": 2.5}",
                "Say {\"1\": 1}.\n```json\n{\"1\": 5, \"2\": 1, \"3\": 2.5}\n```",
                "{\"scores\": [5, 1, 2.5]}",
                "{\"why\": {\"a\": 1}, \"scores\": {\"1\": 5, \"2\": 1, \"3\": 2.5}}",
                "Answer 1: 5\nAnswer 2: 1\n- Answer 3: 2.5/5",
                "<think>{\"1\": 1, \"2\": 1, \"3\": 1}</think> 1: 5\n2: 1\n3: 2.5"
            })
    void readsAGroupsScores(String answer) throws UnreadableAnswerException {
        assertArrayEquals(
                new double[] {5, 1, 2.5}, JudgeAnswer.scores(answer, 3, JudgeScale.DEFAULT));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"", "{\"1\": 5, \"2\": 1}", "{\"1\": 5, \"2\": 1, \"3\": 9}", "1: 5\n3: 2"})
    void aGroupNeedsAScoreForEach(String answer) {
        assertThrows(
                UnreadableAnswerException.class,
                () -> JudgeAnswer.scores(answer, 3, JudgeScale.DEFAULT));
    }

    @Test
    void aTranscriptShowsCallsAndResults() {
        var call =
                Map.<String, Object>of(
                        "function", Map.of("name", "calc", "arguments", Map.of("x", 2L)));
        var turns =
                List.of(
                        new Message(Map.of("role", "assistant", "tool_calls", List.of(call))),
                        new Message(Map.of("role", "tool", "name", "calc", "content", "4")),
                        Message.of("assistant", "Four."));
        assertEquals(
                "assistant calls calc({\"x\": 2})\ntool calc: 4\nassistant: Four.",
                JudgedText.transcript(new Completion("Four.", new int[0], turns)));
    }
}
