package org.attune.cli.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.bench.BenchEstimate;
import org.attune.bench.BenchJson;
import org.attune.bench.BenchResult;
import org.attune.bench.ModelFlops;
import org.attune.bench.Theory;
import org.attune.cli.Main;
import org.attune.tensor.DType;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// Whole benchmarks of a random model that takes milliseconds.
class BenchCommandTest {
    private static final List<String> TINY =
            List.of(
                    "--width=36",
                    "--depth=1",
                    "--vocab=50",
                    "--prompt=6",
                    "--new=4",
                    "--warm-up=1",
                    "--steps=1",
                    "--repeats=1");

    @TempDir Path folder;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private int bench(String task, String... more) {
        List<String> arguments = new ArrayList<>(List.of("bench", task));
        arguments.addAll(TINY);
        arguments.addAll(List.of(more));
        return Main.commandLine(new PrintWriter(out), new PrintWriter(err))
                .execute(arguments.toArray(String[]::new));
    }

    private BenchResult measured(String task, String... more) {
        List<String> arguments = new ArrayList<>(List.of(more));
        arguments.add("--output=" + folder);
        arguments.add("--history=" + folder.resolve("history"));
        assertEquals(0, bench(task, arguments.toArray(String[]::new)), err.toString());
        assertTrue(Files.exists(folder.resolve("plot.png")));
        assertTrue(Files.exists(folder.resolve("history/" + task + ".jsonl")));
        return BenchJson.read(folder.resolve("result.json"), BenchResult.class);
    }

    private static Theory theory(BenchResult result) {
        return new Theory(
                new ModelFlops(result.model().config(), result.work().rank()), DType.BFLOAT16);
    }

    @Tag("thorough")
    @Test
    void sftIsMeasuredByPhase() throws IOException {
        BenchResult result = measured("sft", "--length=16", "--rank=2", "--profile");
        Map<String, Double> figures = result.attune().medians();
        // 4 rows of 6 + 9 words and the end: 64 tokens a step.
        assertEquals(64, figures.get("tokens/s") * figures.get("step, s"), 1e-6);
        for (String phase : Set.of("data", "forward", "backward", "optimizer", "other")) {
            assertTrue(figures.get("in " + phase + ", s") > 0, figures.toString());
        }
        assertTrue(figures.get("process start to first step's end, s") > 0);
        assertTrue(figures.get("products alone, GFLOP/s") > 0);
        assertTrue(figures.get("tensors created a step") > 10);
        assertEquals(
                new BenchEstimate(result.work(), theory(result)).operations() / 1e9,
                figures.get("operations a step, GFLOP"),
                1e-9);
        String page = Files.readString(folder.resolve("result.md"));
        assertTrue(page.contains("| backward | "), page);
        assertTrue(out.toString().contains("tokens/s, all steps"), out.toString());
    }

    @Tag("thorough")
    @Test
    void allWeightsCanBeTrained() throws IOException {
        BenchResult result = measured("sft", "--length=16", "--full");
        assertEquals(0, result.work().rank());
        assertEquals(
                new BenchEstimate(result.work(), theory(result)).operations() / 1e9,
                result.attune().medians().get("operations a step, GFLOP"),
                1e-9);
        String page = Files.readString(folder.resolve("result.md"));
        assertTrue(page.contains("up to 16 tokens, all weights, random words"), page);
    }

    @Test
    void allWeightsAndARankAreRefused() {
        assertNotEquals(0, bench("sft", "--full", "--rank=4"));
        assertTrue(err.toString().contains("leave one of them out"), err.toString());
        assertNotEquals(0, bench("sft", "--rank=0"));
        assertTrue(err.toString().contains("--full in its place"), err.toString());
    }

    @Tag("thorough")
    @Test
    void grpoHasAllPhases() {
        BenchResult result = measured("grpo", "--rows=2", "--completions=3", "--rank=2");
        Map<String, Double> figures = result.attune().medians();
        for (String phase : Set.of("rollout", "reward", "reference", "forward", "backward")) {
            assertTrue(figures.get("in " + phase + ", s") > 0, figures.toString());
        }
        assertEquals(
                new BenchEstimate(result.work(), theory(result)).operations() / 1e9,
                figures.get("operations a step, GFLOP"),
                1e-9);
        // 6 completions of 4 tokens after 6.
        assertEquals(60, figures.get("tokens/s") * figures.get("step, s"), 1e-6);
    }

    @Tag("thorough")
    @Test
    void generationTakesTurnsWithAPeer() throws IOException {
        Path scripts = Files.createDirectories(folder.resolve("scripts"));
        Files.writeString(scripts.resolve("llamacpp_bench.py"), "");
        Path python = folder.resolve("python");
        Files.writeString(
                python,
                "#!/bin/sh\necho noise\necho 'RESULT {\"decode_tok_s\": 1, \"peak_rss_mb\": 5}'\n");
        assertTrue(python.toFile().setExecutable(true));
        Path gguf = Files.writeString(folder.resolve("model.bf16.gguf"), "");
        BenchResult result =
                measured(
                        "generate",
                        "--sequences=3",
                        "--peer=" + python,
                        "--peer-scripts=" + scripts,
                        "--peer-model=" + gguf);
        assertEquals(1.0, result.peer().orElseThrow().medians().get("decode, tokens/s"));
        assertEquals(
                result.attune().medians().get("decode, tokens/s"),
                result.advantages().get("decode, tokens/s"));
    }

    @Tag("thorough")
    @Test
    void aSweepPutsTheoryBesideMeasurement() throws IOException {
        assertEquals(
                0,
                bench("dpo", "--vary=length=12,24", "--rank=2", "--output=" + folder),
                err.toString());
        List<String> lines = Files.readAllLines(folder.resolve("sweep.csv"));
        assertEquals(3, lines.size());
        assertTrue(lines.getFirst().startsWith("\"length\",\"step, s\""), lines.getFirst());
        assertTrue(lines.getFirst().contains("resident by theory"), lines.getFirst());
        assertTrue(Files.exists(folder.resolve("time.png")));
        assertTrue(Files.exists(folder.resolve("memory.png")));
    }

    @Test
    void theoryIsATable() {
        assertEquals(
                0,
                Main.commandLine(new PrintWriter(out), new PrintWriter(err))
                        .execute("bench", "theory", "--vocab=262144"),
                err.toString());
        assertEquals(7, out.toString().lines().count(), out.toString());
    }

    @Test
    void wrongOptionsAreNamedTogether() {
        refused("sft --steps=0 --rank=0 --length=5 --prompt=6");
        String shown = err.toString();
        assertTrue(shown.contains("--steps is 0; accepted: at least 1"), shown);
        assertTrue(shown.contains("--rank is 0; accepted: at least 1"), shown);
        assertTrue(shown.contains("--length is 5; accepted: at least 8"), shown);
        refused("generate --full");
        assertTrue(err.toString().contains("--full is for tasks that train"), err.toString());
        refused("generate --heads=3 --kv-heads=2");
        assertTrue(err.toString().contains("--heads is 3, --kv-heads 2"), err.toString());
        refused("sft --data=x");
        refused("sft --model=x --width=32");
        refused("sft --vary=length=90");
        refused("sft --repeats=0");
        refused("");
        assertTrue(err.toString().contains("what is to be measured?"), err.toString());
    }

    private void refused(String arguments) {
        var all = ("bench " + arguments).strip().split(" ");
        assertEquals(2, Main.commandLine(new PrintWriter(out), new PrintWriter(err)).execute(all));
    }

    @Test
    void clientsOfAServerAreMeasured() throws IOException {
        Path model = Path.of(System.getProperty("attune.root", ".."), "examples", "model");
        List<String> arguments =
                List.of(
                        "bench",
                        "serve",
                        "--model=" + model,
                        "--clients=1,3",
                        "--requests=1",
                        "--prompt=2",
                        "--new=4",
                        "--output=" + folder,
                        "--history=" + folder.resolve("history"));
        var command = Main.commandLine(new PrintWriter(out), new PrintWriter(err));
        assertEquals(0, command.execute(arguments.toArray(String[]::new)), err.toString());
        Map<?, ?> result = BenchJson.object(Files.readString(folder.resolve("result.json")), "");
        List<?> loads = (List<?>) result.get("loads");
        assertEquals(2, loads.size());
        for (Object load : loads) {
            ((Map<?, ?>) load)
                    .forEach((_, figure) -> assertTrue(((Number) figure).doubleValue() > 0));
        }
        assertTrue(Files.exists(folder.resolve("history/serve.jsonl")));
        assertTrue(out.toString().contains("tokens/s"), out.toString());
        assertEquals(2, command.execute("bench", "serve"));
        assertTrue(err.toString().contains("--url"), err.toString());
        assertNotEquals(
                0, command.execute("bench", "serve", "--url=http://localhost:1/v1", "--new=4"));
    }
}
