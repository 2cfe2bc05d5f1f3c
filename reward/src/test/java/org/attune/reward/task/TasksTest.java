package org.attune.reward.task;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ConfigException;
import org.attune.error.DatasetException;
import org.attune.reward.Completion;
import org.attune.reward.Prompt;
import org.attune.reward.RewardBatch;
import org.junit.jupiter.api.Test;

import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.Set;

final class TasksTest {
    private static final List<String> LEVELS = List.of("easy", "medium", "hard");

    private static double reward(Task task, Problem problem, String completion) {
        var batch =
                new RewardBatch(
                        List.of(new Prompt(problem.prompt(), List.of())),
                        List.of(new Completion(completion, new int[0], List.of())),
                        Map.of("answer", List.of(problem.answer())));
        return task.verifier().score(batch).getFirst().orElseThrow();
    }

    @Test
    void thereAreEight() {
        assertEquals(8, new HashSet<>(Tasks.names()).size());
    }

    @Test
    void rightAnswersEarnARewardMistakesAndSilenceDoNot() {
        for (TaskKind kind : Tasks.all()) {
            for (String level : LEVELS) {
                Task task = new Task(kind, level);
                int mistakes = 0;
                for (Problem p : task.generate(3, 100, Split.TRAIN)) {
                    assertEquals(1, reward(task, p, p.answer()), p.toString());
                    assertEquals(1, reward(task, p, " Let me see. It is " + p.answer() + ".\n"));
                    assertEquals(0, reward(task, p, "I don't know"), p.toString());
                    if (p.mistake().isPresent()) {
                        mistakes++;
                        assertEquals(0, reward(task, p, p.mistake().get()), p.toString());
                    }
                }
                assertTrue(mistakes > 30, task.name() + ": " + mistakes);
            }
        }
    }

    @Test
    void equalSeedsGiveEqualProblemsAndMoreOfThemBeginWithThem() {
        for (TaskKind kind : Tasks.all()) {
            Task task = new Task(kind, "medium");
            List<Problem> many = task.generate(7, 60, Split.HELD_OUT);
            assertEquals(many, task.generate(7, 60, Split.HELD_OUT));
            assertEquals(many.subList(0, 20), task.generate(7, 20, Split.HELD_OUT));
            assertNotEquals(many, task.generate(8, 60, Split.HELD_OUT));
        }
    }

    @Test
    void whatIsHeldOutIsNeverTrainedOnWhateverSeedAndDifficulty() {
        for (TaskKind kind : Tasks.all()) {
            Set<String> trained = new HashSet<>();
            Set<String> heldOut = new HashSet<>();
            for (String level : LEVELS) {
                Task task = new Task(kind, level);
                for (long seed = 0; seed < 4; seed++) {
                    task.generate(seed, 300, Split.TRAIN).forEach(p -> trained.add(p.prompt()));
                    task.generate(seed, 100, Split.HELD_OUT).forEach(p -> heldOut.add(p.prompt()));
                }
            }
            assertTrue(trained.size() >= 300 && heldOut.size() >= 100);
            trained.retainAll(heldOut);
            assertEquals(Set.of(), trained, kind.name());
        }
    }

    @Test
    void aFifthIsHeldOut() {
        int heldOut = 0;
        for (int i = 0; i < 10_000; i++) {
            if (Split.of("What is " + i / 100 + " + " + i % 100 + "?") == Split.HELD_OUT) {
                heldOut++;
            }
        }
        assertEquals(2_000, heldOut, 120); // three standard deviations of a fair draw
    }

    @Test
    void problemsOfOneDrawDiffer() {
        Task task = Tasks.of("arithmetic", "digits=1");
        List<Problem> problems = task.generate(1, 60, Split.TRAIN);
        assertEquals(60, problems.stream().map(Problem::prompt).distinct().count());
        ConfigException tooMany =
                assertThrows(ConfigException.class, () -> task.generate(1, 101, Split.TRAIN));
        assertTrue(
                tooMany.getMessage().contains("arithmetic at digits=1,terms=2,operators=1 has"),
                tooMany.getMessage());
    }

    @Test
    void unknownNamesAreAnsweredWithTheNearestAndAll() {
        String message =
                assertThrows(ConfigException.class, () -> Tasks.of("aritmetic", "easy"))
                        .getMessage();
        assertTrue(message.contains("did you mean arithmetic?"), message);
        assertTrue(message.contains("weekday"), message);
        message =
                assertThrows(
                                ConfigException.class,
                                () -> Tasks.of("arithmetic", "digit=2,terms=99,brutal"))
                        .getMessage();
        assertTrue(message.contains("did you mean digits?"), message);
        assertTrue(message.contains("terms is 99; accepted: 2 to 6"), message);
        assertTrue(message.contains("\"brutal\" is neither"), message);
    }

    @Test
    void levelsAndValuesCombine() {
        assertEquals(
                "digits=2,terms=3,operators=3",
                Tasks.of("arithmetic", "hard,digits=2").difficulty().toString());
        assertEquals(
                "digits=2,terms=2,operators=1", Tasks.of("arithmetic", "").difficulty().toString());
    }

    @Test
    void carelessAdditionForgetsToCarry() {
        assertEquals(85, Arithmetic.columns(37, 58, 1));
        assertEquals(28, Arithmetic.columns(37, 91, 1));
        assertEquals(39, Arithmetic.columns(52, 23, -1)); // each column for itself: 5-2, 2-3
        assertEquals(14, Arithmetic.columns(2, 12, 1));
    }

    @Test
    void arithmeticMultipliesFirst() {
        Task task = Tasks.of("arithmetic", "digits=1,terms=3,operators=3");
        Problem mixed =
                task.generate(5, 200, Split.TRAIN).stream()
                        .filter(p -> p.prompt().matches("What is 2 [+] \\d [*] \\d[?]"))
                        .findFirst()
                        .orElseThrow();
        int b = mixed.prompt().charAt(12) - '0';
        int c = mixed.prompt().charAt(16) - '0';
        assertEquals(Integer.toString(2 + b * c), mixed.answer(), mixed.prompt());
    }

    @Test
    void rowsWithoutAnAnswerGetNoRewardAndWithoutTheColumnAnError() {
        var batch =
                new RewardBatch(
                        List.of(new Prompt("p", List.of())),
                        List.of(new Completion("1", new int[0], List.of())),
                        Map.of("answer", Collections.singletonList(null)));
        var verifier = Tasks.of("modulo", "").verifier();
        assertEquals(List.of(OptionalDouble.empty()), verifier.score(batch));
        assertEquals("number", verifier.name());
        var other = new AnswerReward(AnswerCheck.NUMBER, "solution");
        String message =
                assertThrows(DatasetException.class, () -> other.score(batch)).getMessage();
        assertTrue(message.contains("no column \"solution\""), message);
    }
}
