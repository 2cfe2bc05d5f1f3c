package org.attune.cli.progress;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;

import org.attune.cli.terminal.RunScreen;
import org.attune.datasets.rows.RowFiles;
import org.attune.reports.page.ReportPage;
import org.attune.reports.tensorboard.TensorBoardFile;
import org.attune.reports.tracker.TrackerFeed;
import org.attune.reports.tracker.TrackioInbox;
import org.attune.reports.tracker.WandbFile;
import org.attune.reward.Completion;
import org.attune.reward.Prompt;
import org.attune.reward.RewardBatch;
import org.attune.reward.RewardTable;
import org.attune.text.Message;
import org.attune.trainers.loop.CompletionTable;
import org.attune.trainers.loop.RunInfo;
import org.attune.trainers.loop.RunSummary;
import org.attune.trainers.loop.TrainingListener;
import org.attune.trainers.onpolicy.CompletionLogConfig;
import org.attune.trainers.report.CompletionsFile;
import org.attune.trainers.report.HeldOutFile;
import org.attune.trainers.report.HeldOutRow;
import org.attune.trainers.report.MetricsFile;
import org.attune.trainers.run.Methods;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.Consumer;
import java.util.stream.Stream;

/// Texts that data, models, programs and rewards may hold pass through all that a run writes and
/// shows of them, and through its checkpoints.
@Tag("thorough")
class AwkwardTextsTest {
    /// The first and the last have halves of characters, which UTF-8 can't have; two are cut where
    /// a character has two halves.
    private static final List<String> TEXTS =
            List.of(
                    "half \ud83d",
                    "nul \u0000 and \u2028 and \u0085 and \ufeff",
                    "a".repeat(3999) + "\ud83d\ude00 cut in a row",
                    "b".repeat(999) + "\ud83d\ude00 cut in a table",
                    "</script><script>alert(1)</script> | ``` {data}",
                    "m".repeat(1 << 20),
                    "",
                    "\ude00\ud83d");

    @TempDir private Path folder;
    private Path checkpoint;

    private static Message call(String argument) {
        String name = argument.substring(0, Math.min(10, argument.length()));
        return new Message(
                Map.of(
                        "role",
                        "assistant",
                        "content",
                        argument,
                        "tool_calls",
                        List.of(Map.of("name", argument, "arguments", Map.of(name, argument)))));
    }

    private static CompletionTable table(boolean chats) {
        List<Prompt> prompts = new ArrayList<>();
        List<Completion> completions = new ArrayList<>();
        for (String text : TEXTS) {
            List<Message> turns = chats ? List.of(call(text)) : List.of();
            prompts.add(new Prompt(text, turns));
            completions.add(new Completion(text, new int[] {1}, turns));
        }
        List<Object> texts = new ArrayList<>(TEXTS);
        List<Object> lists = new ArrayList<>(TEXTS.stream().map(List::of).toList());
        return new CompletionTable(
                new RewardBatch(prompts, completions, Map.of()),
                new RewardTable(
                        TEXTS.subList(0, 2),
                        new double[] {1, 1},
                        TEXTS.stream().map(_ -> new double[] {1, 0}).toArray(double[][]::new),
                        List.of(),
                        Map.of(),
                        Map.of("said", texts, TEXTS.getLast(), lists)),
                1);
    }

    private List<TrainingListener> listeners() {
        var screen = new RunScreen(new PrintWriter(new StringWriter()), false, () -> 100);
        List<TrainingListener> listeners =
                new ArrayList<>(
                        List.of(
                                new MetricsFile(folder),
                                new TensorBoardFile(
                                        folder.resolve("runs"),
                                        Optional.of(TEXTS.getFirst()),
                                        InstantSource.system()),
                                new CompletionsFile(folder),
                                new HeldOutFile(folder),
                                new HeldOutReport(screen),
                                new CompletionsPrinter(screen, CompletionLogConfig.defaults())));
        Map<String, String> environment = Map.of("TRACKIO_DIR", folder.resolve("t").toString());
        for (var tracker :
                List.of(
                        new WandbFile(environment, folder, false),
                        new TrackioInbox("project", environment, folder))) {
            listeners.add(
                    new TrackerFeed(
                            tracker,
                            "run " + TEXTS.getFirst(),
                            Map.of("key", TEXTS.getFirst()),
                            Duration.ofSeconds(10),
                            InstantSource.system()));
        }
        return listeners;
    }

    private void run(List<TrainingListener> listeners, CompletionTable table, int step) {
        String metric = "rewards/%s/mean".formatted(TEXTS.getFirst());
        List<Consumer<TrainingListener>> events =
                List.of(
                        l -> l.onStart(new RunInfo("grpo", folder, 0, 10, 5, 0, 1)),
                        l -> l.onHeldOutCompletions("", table),
                        l -> l.onEvaluate(step, Map.of("eval_reward", 0.5)),
                        l -> l.onCompletions(0, table),
                        l -> l.onLog(step + 1, Map.of("loss", 1.0, metric, 0.5)),
                        l -> l.onSave(step + 1, checkpoint));
        events.forEach(listeners::forEach);
    }

    private void assertWhole(CompletionTable table) throws IOException {
        List<TrainingListener> first = listeners();
        run(first, table, 0);
        String kept = Files.readString(checkpoint.resolve("completions.json"));
        assertTrue(kept.contains("half \\ud83d"), "the half is lost");
        assertEquals(
                TEXTS.getLast(),
                new ObjectMapper().readTree(kept).get("said").get(TEXTS.size() - 1).asText());
        Files.writeString(
                checkpoint.resolve("state.json"), "{\"step\":1,\"tokens\":0,\"logHistory\":[]}");
        List<TrainingListener> resumed = listeners();
        resumed.removeFirst(); // it reads a whole checkpoint
        resumed.forEach(l -> l.onResume(checkpoint));
        run(resumed, table, 1);
        var heldout =
                new RunSummary.Heldout(
                        "eval_reward", 8, OptionalDouble.of(0.5), OptionalDouble.of(0.5));
        var summary = new RunSummary(2, false, Optional.of(heldout), Map.of(), 0, 0);
        Stream.concat(first.stream(), resumed.stream()).forEach(l -> l.onEnd(summary));
        List<HeldOutRow> rows = HeldOutRow.read(folder.resolve("heldout.jsonl"));
        assertEquals(TEXTS.size(), rows.size());
        assertEquals(TEXTS.getFirst(), rows.getFirst().prompt());
        assertEquals("a".repeat(3999) + "…", rows.get(2).prompt());
        Path parquet = folder.resolve("completions/completions_00002.parquet");
        assertEquals(TEXTS.size(), RowFiles.readAll(parquet).size());
        assertEquals(
                1,
                MetricsFile.read(folder.resolve("metrics.jsonl")).stream()
                        .filter(m -> m.containsKey("loss"))
                        .count());
    }

    @Test
    void textsPassThroughFilesTrackersAndReport() throws IOException {
        for (boolean chats : new boolean[] {false, true}) {
            checkpoint = Files.createDirectories(folder.resolve("checkpoint-" + chats));
            assertWhole(table(chats));
        }
        Path page = folder.resolve("report.html");
        ReportPage.write(List.of(folder), List.of(TEXTS.getFirst()), Methods::defaults, page);
        String html = Files.readString(page);
        assertFalse(html.contains("<script>alert"), "a text became part of the page");
        assertEquals(List.of(), Arrays.asList(folder.toFile().list((_, n) -> n.endsWith(".tmp"))));
    }
}
