package org.attune.board;

import org.attune.feedback.FeedbackStore;
import org.attune.feedback.GivenAnswer;
import org.attune.feedback.Judgement;
import org.attune.reports.page.RunFolderSample;
import org.attune.trainers.sweep.Sweep;
import org.attune.trainers.sweep.SweepPlan;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.List;
import java.util.Map;

/// Folders of runs, one of which a process works at, and what the command line would say of them.
final class BoardSample {
    private BoardSample() {}

    /// A run that a process of this machine works at.
    static Path running(Path folder, Process worker) throws IOException {
        RunFolderSample.metrics(folder, 10);
        Files.writeString(folder.resolve("config.yaml"), "model_name_or_path: a/base\nseed: 1\n");
        Files.writeString(
                folder.resolve("run.json"),
                """
                {"method": "dpo", "name": null, "state": "running", "pid": %d, "host": "%s",
                 "process_started": "%s", "command": ["attune", "dpo"], "directory": "%s",
                 "attune": "0", "started": "2026-01-02T03:04:05Z",
                 "last_beat": "2026-01-02T03:05:05Z", "step": 10, "planned_steps": 40,
                 "failure": null, "facts": {}}
                """
                        .formatted(
                                worker.pid(),
                                org.attune.trainers.report.RunProcess.currentHost(),
                                worker.toHandle().info().startInstant().orElseThrow(),
                                folder.getParent()));
        return folder;
    }

    /// A sweep of two trials that have ended and one that a process works at.
    static Path sweep(Path folder, Process worker) throws IOException {
        SweepPlan plan =
                SweepPlan.of(
                        Map.of(
                                "keys",
                                Map.of(
                                        "learning_rate",
                                        List.of("1e-4", "1e-3", "<b>"),
                                        "beta",
                                        List.of("0.1")),
                                "prune",
                                "none"));
        new Sweep(plan, folder, "sample", "eval_loss")
                .run(
                        (trial, _, _) -> {
                            try {
                                running(trial.folder(), worker);
                                double loss = trial.number() == 1 ? 0.25 : 0.5;
                                for (int step = 20; step <= 40; step += 20) {
                                    append(
                                            trial.folder(),
                                            "{\"step\":%d,\"eval_loss\":%s}\n"
                                                    .formatted(step, loss + 10.0 / step));
                                }
                                if (trial.number() == 2) {
                                    return false;
                                }
                                ended(trial.folder(), loss);
                                return true;
                            } catch (IOException e) {
                                throw new UncheckedIOException(e);
                            }
                        });
        return folder;
    }

    private static void ended(Path folder, double loss) throws IOException {
        Path card = folder.resolve("run.json");
        Files.writeString(card, Files.readString(card).replace("\"running\"", "\"finished\""));
        Files.writeString(
                folder.resolve("summary.json"),
                "{\"heldout\": {\"metric\": \"eval_loss\", \"before\": 2, \"after\": %s}}"
                        .formatted(loss));
    }

    /// Adds a logged step to a run.
    static void log(Path folder, int step, double loss) throws IOException {
        append(
                folder,
                "{\"step\":%d,\"epoch\":0.5,\"num_tokens\":%d,\"tokens_per_second\":1000,\"loss\":%s}\n"
                        .formatted(step, step * 512, loss));
    }

    static void append(Path folder, String text) throws IOException {
        Files.writeString(folder.resolve("metrics.jsonl"), text, StandardOpenOption.APPEND);
    }

    /// A store with a judged answer of `helper`, for which the run `one` was let in and taken back.
    static String store(Path root) throws IOException {
        String place = root.resolve("feedback.db").toString();
        try (var store = FeedbackStore.open(place)) {
            store.record(
                    new GivenAnswer(
                            "a",
                            0,
                            Instant.parse("2026-01-02T03:04:05Z"),
                            "ann",
                            new GivenAnswer.Origin("helper", "helper", "base", "", ""),
                            List.of(Map.of("role", "user", "content", "hello")),
                            List.of(),
                            Map.of("role", "assistant", "content", "hi"),
                            new GivenAnswer.Usage(1, 1, "stop")));
            store.judge(Judgement.of("a", new Judgement.Thumb(true)));
            String adapter = root.toRealPath().resolve("one").toString();
            store.release("helper", adapter, 0, "better by +0.5");
            store.rollback("helper");
        }
        return place;
    }

    /// A command line that finds a problem in files with the word `wrong`, a program in those with
    /// `program`, and whose training takes no time.
    static RunCommands commands() {
        return new RunCommands() {
            @Override
            public String preview(String method, Path config, Path directory) {
                return "rows of " + method + " <b>as text</b>";
            }

            private boolean has(Path file, String word) {
                try {
                    return Files.readString(file).contains(word);
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            }

            @Override
            public List<String> problems(String method, Path file) {
                return has(file, "wrong") ? List.of(file + ":1: a key is wrong") : List.of();
            }

            @Override
            public List<String> programs(String method, Path file) {
                return has(file, "program") ? List.of("reward_funcs") : List.of();
            }

            @Override
            public Path outputDir(String method, Path file) {
                return has(file, "outside")
                        ? Path.of("/").resolve("outside")
                        : file.resolveSibling("out");
            }

            @Override
            public List<String> training(String method, Path file) {
                return has(file, "slow") ? List.of("sleep", "60") : List.of("echo", "trained");
            }
        };
    }
}
