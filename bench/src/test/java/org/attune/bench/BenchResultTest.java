package org.attune.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ConfigException;
import org.attune.model.layer.Storage;
import org.attune.models.DtypeChoice;
import org.attune.trainers.report.Machine;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

class BenchResultTest {
    private static final ModelShape SHAPE = new ModelShape(4, 6, 2, 2, 1, 2, 16, true);

    @TempDir Path folder;

    static BenchSpec spec(BenchTask task) {
        return new BenchSpec(
                task,
                Path.of("model"),
                Optional.empty(),
                DtypeChoice.AUTO,
                Storage.AUTO,
                "auto",
                task.trains() ? 16 : 0,
                false,
                1,
                2,
                4,
                64,
                20,
                8,
                8,
                Optional.of(512),
                false);
    }

    private static BenchResult result() {
        return new BenchResult(
                "2026-01-02T03:04:05Z",
                "abc",
                "attune bench sft",
                Machine.current(),
                Map.of("Java", "25"),
                spec(BenchTask.SFT),
                SHAPE,
                BenchResult.Side.of(
                        "Attune",
                        List.of(),
                        List.of(
                                Map.of(Figures.TOKENS_ALL, 300.0, Figures.PEAK, 100.0),
                                Map.of(Figures.TOKENS_ALL, 100.0, Figures.PEAK, 300.0),
                                Map.of(Figures.TOKENS_ALL, 250.0, Figures.PEAK, 200.0))),
                Optional.of(
                        BenchResult.Side.of(
                                "TRL",
                                List.of("--autocast"),
                                List.of(Map.of(Figures.TOKENS_ALL, 125.0, Figures.PEAK, 800.0)))),
                new GemmCeiling(400, 450, List.of(new GemmCeiling.Timed("qkv", 5, 4, 8, 2, 399.5))),
                List.of(new BenchRun.OperatorCost("forward", "aten::mm", 7, 0.25)));
    }

    @Test
    void advantagesAreAboveOneWhereAttuneIsBetter() {
        Map<String, Double> advantages = result().advantages();
        assertEquals(2.0, advantages.get(Figures.TOKENS_ALL)); // 250 by 125: more is better
        assertEquals(4.0, advantages.get(Figures.PEAK)); // 800 by 200: less is better
    }

    @Test
    void jsonKeepsEverything() {
        Path file = folder.resolve("result.json");
        BenchResult written = result(); // with the machine's load, which changes
        BenchJson.write(file, written);
        BenchResult read = BenchJson.read(file, BenchResult.class);
        assertEquals(written, read);
        assertEquals(Optional.of(512), read.work().tokensAtOnce());
        assertEquals(Optional.empty(), read.work().data());
    }

    @Test
    void markdownHasFiguresProductsAndProfile() {
        String text = BenchText.markdown(result());
        assertTrue(
                text.contains("| tokens/s, all steps | 250.0 (100.0–300.0) | 125.0 | 2.000 |"),
                text);
        assertTrue(text.contains("in turn with TRL `--autocast`"), text);
        assertTrue(text.contains("| qkv | 5 | 4 | 8 | 2 | 399.5 |"), text);
        assertTrue(text.contains("| forward | aten::mm | 7 | 0.250 |"), text);
        String table = BenchText.headlines(List.of(result()));
        assertEquals(4, table.lines().count(), table); // tokens and memory under the titles
    }

    @Test
    void historyGrowsByALine() throws IOException {
        var history = new BenchHistory(folder.resolve("history"));
        history.add(result());
        history.add(result());
        List<String> lines = Files.readAllLines(folder.resolve("history/sft.jsonl"));
        assertEquals(2, lines.size());
        Map<?, ?> line = BenchJson.parse(lines.getLast(), Map.class);
        assertEquals("abc", line.get("commit"));
        assertEquals(250.0, ((Map<?, ?>) line.get("attune")).get(Figures.TOKENS_ALL));
        assertEquals(125.0, ((Map<?, ?>) line.get("peer")).get(Figures.TOKENS_ALL));
    }

    @Test
    void mediansOfEvenAndOddCounts() {
        assertEquals(2.0, Figures.median(9, 1, 2));
        assertEquals(1.5, Figures.median(2, 1));
    }

    @Test
    void peersFiguresHaveOurNames() {
        Map<String, Double> figures =
                Peer.figures(
                        spec(BenchTask.GRPO),
                        """
                        {"seconds_per_step": [9.0, 4.0, 6.0], "completions_s": 1.5, "peak_rss_mb": 77}
                        """);
        assertEquals(9.0, figures.get(Figures.FIRST_STEP));
        assertEquals(5.0, figures.get(Figures.STEP)); // without the step of the warm-up
        assertEquals(77.0, figures.get(Figures.PEAK));
        String llama = "{\"prefill_tok_s\": 800.5, \"decode_tok_s\": 600, \"peak_rss_mb\": 1}";
        assertEquals(600.0, Peer.figures(spec(BenchTask.GENERATE), llama).get(Figures.DECODE));
        assertEquals(
                Map.of(Figures.PREFILL, 800.5, Figures.PEAK, 1.0),
                Peer.figures(spec(BenchTask.PREFILL), llama));
    }

    @Test
    void aSweepRefusesWhatDoesNotVaryTheTask() {
        String message =
                assertThrows(
                                ConfigException.class,
                                () ->
                                        BenchSweep.parse(
                                                "completions=4",
                                                spec(BenchTask.SFT),
                                                Optional.of(SHAPE)))
                        .getMessage();
        assertTrue(message.contains("[length, rank, rows, vocab]"), message);
        assertThrows(
                ConfigException.class,
                () -> BenchSweep.parse("vocab=99", spec(BenchTask.SFT), Optional.empty()));
        assertThrows(
                ConfigException.class,
                () -> BenchSweep.parse("length=64,3", spec(BenchTask.SFT), Optional.of(SHAPE)));
    }
}
