package org.attune.examples.agents;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.RolloutException;
import org.attune.json.Json;
import org.attune.models.DtypeChoice;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.config.Resume;
import org.attune.trainers.config.SaveStrategy;
import org.attune.trainers.grpo.Credit;
import org.attune.trainers.grpo.GrpoConfig;
import org.attune.trainers.loop.TrainingListener;
import org.attune.trainers.run.Runs;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// The proposer and the solver of `examples/agents`, from a configuration to files.
@Tag("thorough")
final class RolesRunTest {
    private static final int GENERATIONS = 4;

    @TempDir private Path folder;

    private static final class Logs implements TrainingListener {
        final List<Map<String, Object>> steps = new ArrayList<>();

        @Override
        public void onLog(int step, Map<String, Object> metrics) {
            steps.add(metrics);
        }

        double of(int step, String metric) {
            return ((Number) steps.get(step).get(metric)).doubleValue();
        }
    }

    /// @param rows of a micro-batch; a step has eight
    private GrpoConfig config(String name, int steps, int rows) {
        Path agents = EchoWorld.MODEL.resolveSibling("agents");
        return GrpoConfig.defaults()
                .withModel(
                        m ->
                                m.withModelNameOrPath(EchoWorld.MODEL.toString())
                                        .withDtype(DtypeChoice.FLOAT32))
                .withLora(l -> l.withUsePeft(true).withLoraR(2).withLoraDropout(0))
                .withData(_ -> DataConfig.of(agents.resolve("tasks.jsonl").toString()))
                .withAgent(
                        a ->
                                a.withEnvironments(
                                        Map.of(
                                                "tasks",
                                                agents.resolve("SortTasks.java").toString())))
                .withCredit(c -> c.withCredit(Credit.ROLES))
                .withNumGenerations(GENERATIONS)
                .withMaxCompletionLength(12)
                .withTraining(
                        t ->
                                t.withOptimizer(o -> o.withLearningRate(0.01))
                                        .withSchedule(s -> s.withMaxSteps(steps))
                                        .withBatch(
                                                b ->
                                                        b.withPerDeviceTrainBatchSize(rows)
                                                                .withGradientAccumulationSteps(
                                                                        8 / rows))
                                        .withLog(l -> l.withLoggingSteps(1))
                                        .withSave(
                                                s ->
                                                        s.withOutputDir(folder.resolve(name))
                                                                .withSaveStrategy(
                                                                        SaveStrategy.STEPS)
                                                                .withSaveSteps(1)));
    }

    private Logs train(GrpoConfig config) {
        var logs = new Logs();
        Runs.with(logs).train(config, folder);
        return logs;
    }

    private byte[] adapter(String name) throws IOException {
        return Files.readAllBytes(folder.resolve(name).resolve("adapter_model.safetensors"));
    }

    /// A conversation of a recorded episode.
    private record Said(String group, double reward, int tokens) {}

    /// Of the first round: proposers are compared by prompt, tries by task.
    private static List<Said> said(Path file) throws IOException {
        List<Said> all = new ArrayList<>();
        for (String line : Files.readAllLines(file)) {
            Map<?, ?> completion = (Map<?, ?>) Json.parse(line);
            if (((Number) completion.get("generation")).intValue() > 0) {
                continue;
            }
            Map<?, ?> episode = (Map<?, ?>) completion.get("episode");
            int place = ((Number) episode.get("place")).intValue();
            for (Object one : (List<?>) episode.get("turns")) {
                Map<?, ?> turn = (Map<?, ?>) one;
                boolean solves = turn.get("role").equals("solver");
                all.add(
                        new Said(
                                solves ? "task " + place : "prompt " + place / GENERATIONS,
                                ((Number) turn.get("reward")).doubleValue(),
                                ((List<?>) turn.get("ids")).size()));
            }
        }
        return all;
    }

    private static double loss(List<Said> said) {
        Map<String, List<Said>> groups = new HashMap<>();
        said.forEach(s -> groups.computeIfAbsent(s.group(), _ -> new ArrayList<>()).add(s));
        double sum = 0;
        for (List<Said> group : groups.values()) {
            double mean = group.stream().mapToDouble(Said::reward).average().orElseThrow();
            double squares = group.stream().mapToDouble(s -> Math.pow(s.reward() - mean, 2)).sum();
            double deviation = Math.sqrt(squares / Math.max(1, group.size() - 1)) + 1e-4;
            for (Said s : group) {
                sum -= (s.reward() - mean) / deviation * s.tokens();
            }
        }
        return sum / said.stream().mapToInt(Said::tokens).sum();
    }

    @Test
    void rolesLearnFromTheirOwnRewards() throws IOException {
        Path file = folder.resolve("rounds.jsonl");
        Logs whole = train(config("whole", 2, 8).withRollouts(r -> r.withRecordRollouts(file)));
        List<Said> said = said(file);
        assertTrue(said.stream().anyMatch(s -> s.group().startsWith("task") && s.reward() == 1));
        assertEquals(loss(said), whole.of(0, "loss"), 1e-5);
        double solved =
                said.stream()
                        .filter(s -> s.group().startsWith("task"))
                        .mapToDouble(Said::reward)
                        .average()
                        .orElseThrow();
        assertEquals(solved, whole.of(0, "roles/solver/reward"), 1e-9);
        assertTrue(whole.of(0, "roles/solver/turns") > 1);
        assertTrue(whole.of(0, "sampling/sampling_logp_difference/max") < 1e-4);

        train(config("replayed", 2, 8).withRollouts(r -> r.withRecordedRollouts(file)));
        assertArrayEquals(adapter("whole"), adapter("replayed"));
        GrpoConfig blind =
                config("blind", 2, 8)
                        .withCredit(c -> c.withCredit(Credit.EPISODE))
                        .withRollouts(r -> r.withRecordedRollouts(file));
        String refusal = assertThrows(RolloutException.class, () -> train(blind)).getMessage();
        assertTrue(refusal.contains("credit: roles"), refusal);
    }

    @Test
    void aRunGoesOnAndIsCutAsItLikes() throws IOException {
        Logs whole = train(config("whole", 2, 8));
        train(config("halves", 1, 8));
        train(
                config("halves", 2, 8)
                        .withTraining(t -> t.withSave(s -> s.withResume(new Resume.Latest()))));
        assertArrayEquals(adapter("whole"), adapter("halves"));
        Logs small = train(config("small", 2, 2));
        assertEquals(whole.of(0, "loss"), small.of(0, "loss"), 1e-5);
        assertEquals(whole.of(0, "grad_norm"), small.of(0, "grad_norm"), 1e-4);
        assertEquals(
                whole.of(1, "roles/proposer/reward"), small.of(1, "roles/proposer/reward"), 1e-9);
    }
}
