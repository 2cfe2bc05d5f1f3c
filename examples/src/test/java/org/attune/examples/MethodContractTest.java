package org.attune.examples;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import org.apache.commons.rng.simple.RandomSource;
import org.attune.cli.Main;
import org.attune.cli.config.RunConfigReader;
import org.attune.datasets.formats.DatasetType;
import org.attune.examples.quickstart.TinyModel;
import org.attune.reward.task.Problem;
import org.attune.reward.task.Split;
import org.attune.reward.task.TaskRows;
import org.attune.reward.task.Tasks;
import org.attune.trainers.config.RunConfig;
import org.attune.trainers.loop.StopSignal;
import org.attune.trainers.opening.Passes;
import org.attune.trainers.opening.Surroundings;
import org.attune.trainers.opening.TrainingMethod;
import org.attune.trainers.report.HeldOutRow;
import org.attune.trainers.report.MetricsFile;
import org.attune.trainers.run.Methods;
import org.attune.trainers.run.Runs;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/// What holds for every method, run through the command line for four steps of two micro-batches
/// on a small model with random weights:
///
/// - a resumed run writes the bytes of an uninterrupted one;
/// - the loss and the gradients don't depend on how many tokens are computed at once;
/// - nor on how many rows of logits the head makes at once;
/// - nor on whether rows that begin alike share its computation;
/// - nor on whether rows are packed, where a method packs;
/// - nor on the order of the rows of a micro-batch, where a row's loss follows from the row;
/// - the first three hold with frozen weights in 4 and 8 bits too.
final class MethodContractTest {
    /// Rows of a micro-batch.
    private static final int BATCH = 4;

    /// Methods in which a row's loss depends on its neighbours in the file, and what from.
    private static final Map<String, String> ORDERED =
            Map.of(
                    "kto", "mismatched completions come from the row before",
                    "gkd", "what a student writes is drawn by the prompt's place",
                    "distillation", "likewise",
                    "sdft", "likewise");

    /// Keys that a method can't run without.
    private static final Map<String, List<String>> REQUIRED =
            Map.ofEntries(
                    Map.entry("classify", List.of("id2label=[a, b]")),
                    Map.entry("grpo", List.of("reward_funcs=exact_answer", "num_generations=4")),
                    Map.entry("rloo", List.of("reward_funcs=exact_answer", "num_generations=4")),
                    Map.entry("ppo", List.of("reward_funcs=exact_answer")),
                    Map.entry("online_dpo", List.of("reward_funcs=exact_answer")),
                    Map.entry("xpo", List.of("reward_funcs=exact_answer", "alpha=0.01")),
                    Map.entry("nash_md", List.of("reward_funcs=exact_answer")),
                    Map.entry("gkd", List.of("max_new_tokens=6")),
                    Map.entry("distillation", List.of("max_completion_length=6")),
                    Map.entry("sdft", List.of("max_completion_length=6", "num_generations=2")),
                    Map.entry("sdpo", List.of("reward_funcs=exact_answer", "num_generations=4")));

    /// Keys of the methods that generate.
    private static final List<String> GENERATING =
            List.of("temperature=1", "%s=6", "eval_temperature=0");

    @TempDir static Path folder;
    private static Path model;
    private static Path teacher;

    @BeforeAll
    static void writeModelAndRows() throws IOException {
        model = Files.createDirectories(folder.resolve("model"));
        new TinyModel(32, 2, 2).write(model, RandomSource.XO_SHI_RO_256_PP.create(1L));
        teacher = Files.createDirectories(folder.resolve("teacher"));
        new TinyModel(48, 2, 2).write(teacher, RandomSource.XO_SHI_RO_256_PP.create(3L));
        List<Problem> problems = Tasks.of("reversal", "easy").generate(5, 48, Split.TRAIN);
        TaskRows.writeCompletions(
                data(DatasetType.PROMPT_COMPLETION),
                problems,
                0.5,
                RandomSource.XO_SHI_RO_256_PP.create(2L));
        TaskRows.writePairs(data(DatasetType.PREFERENCE), problems);
        TaskRows.writePrompts(data(DatasetType.PROMPT_ONLY), problems);
        writeTriples();
        writeStepwise();
        writeLabelled();
    }

    private static void writeLabelled() throws IOException {
        List<String> classes = new ArrayList<>();
        List<String> queries = new ArrayList<>();
        List<String> texts = new ArrayList<>();
        for (int i = 0; i < 40; i++) {
            classes.add(
                    "{\"text\": \"ab %d\", \"label\": \"%s\"}"
                            .formatted(i, i % 3 == 0 ? "a" : "b"));
            queries.add(
                    "{\"query\": \"ab %d\", \"positive\": \"b %d\", \"negatives\": [\"c\", \"d %d\"]}"
                            .formatted(i, i, i));
            texts.add(
                    "{\"anchor\": \"ab %d\", \"positive\": \"b %d\", \"negative\": \"c %d\"}"
                            .formatted(i, i, i));
        }
        Files.write(data(DatasetType.CLASSIFICATION), classes);
        Files.write(data(DatasetType.RANKING), queries);
        Files.write(data(DatasetType.EMBEDDING), texts);
    }

    private static void writeTriples() throws IOException {
        List<String> rows = new ArrayList<>();
        for (int i = 0; i < 40; i++) {
            rows.add(
                    """
                    {"prompt": "ab %d", "chosen": "b%s", "rejected": "ca", "reference": "ba%s"}\
                    """
                            .formatted(i, "a".repeat(i % 3), "d".repeat(i % 4)));
        }
        Files.write(data(DatasetType.TRIPLE_PREFERENCE), rows);
    }

    private static void writeStepwise() throws IOException {
        List<String> rows = new ArrayList<>();
        for (int i = 0; i < 40; i++) {
            rows.add(
                    """
                    {"prompt": "ab %d", "completions": ["a", "b%s"], "labels": [true, %s]}\
                    """
                            .formatted(i, "c".repeat(i % 3), i % 2 == 0));
        }
        Files.write(data(DatasetType.STEPWISE_SUPERVISION), rows);
    }

    private static Path data(DatasetType type) {
        return folder.resolve(type.key() + ".jsonl");
    }

    @Tag("thorough")
    @TestFactory
    Stream<DynamicTest> everyMethod() {
        return Methods.all().stream()
                .map(method -> DynamicTest.dynamicTest(method.name(), () -> holds(method)));
    }

    private static void holds(TrainingMethod<?, ?> method) throws IOException {
        Path rows = data(type(method.rows()));
        List<JsonNode> whole = run(method, rows, "whole", "max_steps=4");

        run(method, rows, "halves", "max_steps=2");
        List<JsonNode> halves = run(method, rows, "halves", "max_steps=4", "resume=true");
        assertSameBytes(method, "whole", whole, "halves", halves);

        List<JsonNode> cut = run(method, rows, "cut", "max_steps=4", "tokens_per_micro_batch=1");
        assertClose(whole, cut, "computed row by row");

        var chunks = new Passes(true, OptionalInt.of(3));
        assertClose(whole, run(method, rows, "chunks", chunks), "three logits at a time");
        var unshared = new Passes(false, OptionalInt.empty());
        assertClose(whole, run(method, rows, "unshared", unshared), "nothing shared");

        if (method.kind() != TrainingMethod.Kind.GENERATES && !ORDERED.containsKey(method.name())) {
            Path turned = folder.resolve(method.name() + "-turned.jsonl");
            Files.write(turned, turned(Files.readAllLines(rows)));
            assertClose(
                    whole, run(method, turned, "turned", "max_steps=4"), "rows in another order");
        }
    }

    /// Each method has weights in 4 or in 8 bits, in turn: both are kinds of one layer below all
    /// methods.
    @Tag("thorough")
    @TestFactory
    Stream<DynamicTest> everyMethodOnWeightsInFewBits() {
        return inFewBits(0);
    }

    @Tag("slow")
    @TestFactory
    Stream<DynamicTest> everyMethodOnWeightsInTheOtherBits() {
        return inFewBits(1);
    }

    private static Stream<DynamicTest> inFewBits(int first) {
        List<String> bits = List.of("load_in_4bit", "load_in_8bit");
        List<TrainingMethod<?, ?>> methods = List.copyOf(Methods.all());
        return IntStream.range(0, methods.size())
                .mapToObj(
                        i -> {
                            TrainingMethod<?, ?> method = methods.get(i);
                            String kind = bits.get((first + i) % 2);
                            return DynamicTest.dynamicTest(
                                    method.name() + ", " + kind, () -> holds(method, kind));
                        });
    }

    /// A run of two steps, one that is resumed after the first, and one that computes row by row.
    private static void holds(TrainingMethod<?, ?> method, String bits) throws IOException {
        Path rows = data(type(method.rows()));
        String kept = bits + "=true";
        String[] two = {"max_steps=2", "save_steps=1", kept};
        List<JsonNode> whole = run(method, rows, bits, two);
        List<JsonNode> dense = run(method, rows, bits + "-dense", "max_steps=1");
        if (dense.getFirst().path("loss").asDouble() != 0) {
            assertNotEquals(shown(dense).getFirst(), shown(whole).getFirst(), "other weights");
        }

        String parts = bits + "-parts";
        run(method, rows, parts, "max_steps=1", "save_steps=1", kept);
        List<JsonNode> resumed =
                run(method, rows, parts, "max_steps=2", "save_steps=1", kept, "resume=true");
        assertSameBytes(method, bits, whole, parts, resumed);

        String[] cut = {"max_steps=2", "save_steps=1", kept, "tokens_per_micro_batch=1"};
        assertClose(whole, run(method, rows, bits + "-cut", cut), "computed row by row");
    }

    @Tag("thorough")
    @TestFactory
    Stream<DynamicTest> everyMethodStreams() {
        return Methods.all().stream()
                .map(method -> DynamicTest.dynamicTest(method.name(), () -> streams(method)));
    }

    /// A stream in the order of its file has the rows of a list. Drawn from a buffer, over several
    /// epochs of few rows, a resumed run writes the bytes of an uninterrupted one.
    private static void streams(TrainingMethod<?, ?> method) throws IOException {
        Path rows = data(type(method.rows()));
        String steps = "max_steps=4";
        String listed = "shuffle_dataset=false";
        List<JsonNode> list = run(method, rows, "list", steps, listed);
        String streamed = "streaming=true";
        assertClose(list, run(method, rows, "stream", steps, listed, streamed), "streamed");

        Path few = folder.resolve(method.name() + "-few.jsonl");
        Files.write(few, Files.readAllLines(rows).subList(0, 13));
        String buffer = "shuffle_buffer_size=5";
        String drawn = "shuffle_dataset=true";
        List<JsonNode> whole = run(method, few, "drawn", steps, streamed, buffer, drawn);
        run(method, few, "parts", "max_steps=2", streamed, buffer, drawn);
        List<JsonNode> parts =
                run(method, few, "parts", steps, streamed, buffer, drawn, "resume=true");
        assertSameBytes(method, "drawn", whole, "parts", parts);
        assertEquals(4, whole.size());
        assertEquals(shown(whole), shown(parts));
        List<JsonNode> other = run(method, few, "other", steps, streamed, drawn, "data_seed=9");
        if (whole.stream().anyMatch(step -> step.path("loss").asDouble() != 0)) {
            assertNotEquals(shown(whole), shown(other), "drawn anew");
        } // a random model's answers may all have reward 0 and the longest length
    }

    /// What is recorded of single rows is what the evaluation's metric is the mean of.
    @Tag("thorough")
    @TestFactory
    Stream<DynamicTest> heldOutRowsHaveTheMeanOfTheirMetric() {
        return Methods.all().stream()
                .filter(method -> method.kind() != TrainingMethod.Kind.DISTILS)
                .map(method -> DynamicTest.dynamicTest(method.name(), () -> recordsRows(method)));
    }

    private static void recordsRows(TrainingMethod<?, ?> method) throws IOException {
        Path rows = data(type(method.rows()));
        Path heldOut = folder.resolve(method.name() + "-heldout.jsonl");
        Files.write(heldOut, Files.readAllLines(rows).subList(0, 9));
        run(
                method,
                rows,
                "heldout",
                "max_steps=2",
                "eval_datasets=" + heldOut,
                "per_device_eval_batch_size=1");
        Path out = out(method, "heldout");
        JsonNode told =
                new ObjectMapper().readTree(out.resolve("summary.json").toFile()).path("heldout");
        List<HeldOutRow> found = HeldOutRow.read(out.resolve("heldout.jsonl"));
        assertTrue(found.size() >= 9, "rows of all nine lines");
        assertEquals(told.path("n").asInt(), found.size());
        String metric = told.path("metric").asText().substring("eval_".length());
        assertEquals(told.path("before").asDouble(), mean(found, metric, HeldOutRow::before), 1e-6);
        assertEquals(told.path("after").asDouble(), mean(found, metric, HeldOutRow::after), 1e-6);
        assertTrue(Files.exists(out.resolve("report.html")), "the page about the run");
        if (method.kind() == TrainingMethod.Kind.ROWS) {
            answersPrompts(found);
        }
    }

    /// The first rows stand with their prompts and answers, and no others.
    private static void answersPrompts(List<HeldOutRow> found) {
        for (int i = 0; i < found.size(); i++) {
            HeldOutRow row = found.get(i);
            assertEquals(i < 4, !row.given().isEmpty(), "answers of row " + i);
            assertEquals(i < 4, !row.prompt().isEmpty(), "prompt of row " + i);
            assertTrue(row.given().values().stream().noneMatch(String::isEmpty), row.toString());
        }
    }

    private static double mean(
            List<HeldOutRow> rows,
            String metric,
            Function<HeldOutRow, Optional<HeldOutRow.Found>> side) {
        return rows.stream()
                .mapToDouble(row -> side.apply(row).orElseThrow().values().get(metric))
                .average()
                .orElseThrow();
    }

    /// Rows of equal length, two of which fill a packed one. (`wrapped` makes other rows of them.)
    @Test
    void packedRowsAreTheSameRows() throws IOException {
        var sft = Methods.named("sft").orElseThrow();
        List<String> lines = new ArrayList<>();
        for (int i = 0; i < 40; i++) {
            lines.add(
                    "{\"prompt\": \"%c%d\", \"completion\": \"b%02d\"}"
                            .formatted('a' + i % 7, i % 10, i));
        }
        Path rows = Files.write(folder.resolve("equal.jsonl"), lines);
        List<JsonNode> apart = run(sft, rows, "apart", "max_steps=4");
        for (String strategy : List.of("bfd", "bfd_split")) {
            List<JsonNode> packed =
                    run(
                            sft,
                            rows,
                            strategy,
                            "max_steps=4",
                            "packing=true",
                            "packing_strategy=" + strategy,
                            "max_length=12",
                            "per_device_train_batch_size=" + BATCH / 2);
            assertClose(apart, packed, strategy);
        }
    }

    /// The type of rows to write for a method.
    private static DatasetType type(Set<DatasetType> rows) {
        return Stream.of(
                        DatasetType.PROMPT_ONLY,
                        DatasetType.PROMPT_COMPLETION,
                        DatasetType.PREFERENCE,
                        DatasetType.TRIPLE_PREFERENCE,
                        DatasetType.STEPWISE_SUPERVISION,
                        DatasetType.CLASSIFICATION,
                        DatasetType.RANKING,
                        DatasetType.EMBEDDING)
                .filter(rows::contains)
                .findFirst()
                .orElseThrow(() -> new AssertionError("this test writes no rows of " + rows));
    }

    /// Lines with those of each micro-batch in the opposite order.
    private static List<String> turned(List<String> lines) {
        List<String> turned = new ArrayList<>();
        for (int i = 0; i + BATCH <= lines.size(); i += BATCH) {
            List<String> batch = new ArrayList<>(lines.subList(i, i + BATCH));
            Collections.reverse(batch);
            turned.addAll(batch);
        }
        return turned;
    }

    private static Path out(TrainingMethod<?, ?> method, String name) {
        return folder.resolve(method.name() + "-" + name);
    }

    /// What `sdft` tells its teacher is the answer.
    private static String datasets(TrainingMethod<?, ?> method, Path rows) {
        return method.name().equals("sdft")
                ? "{path: %s, columns: {answer: privileged_context}}".formatted(rows)
                : rows.toString();
    }

    /// The keys of a run.
    private static List<String> keys(
            TrainingMethod<?, ?> method, Path rows, String name, String... more) {
        var arguments =
                new ArrayList<>(
                        List.of(
                                "model_name_or_path=" + model,
                                "datasets=" + datasets(method, rows),
                                "output_dir=" + out(method, name),
                                "dtype=float32",
                                "use_peft=true",
                                "lora_r=4",
                                "lora_dropout=0",
                                "learning_rate=1e-3",
                                "lr_scheduler_type=constant",
                                "train_sampling_strategy=sequential",
                                "per_device_train_batch_size=" + BATCH,
                                "gradient_accumulation_steps=2",
                                "save_steps=2",
                                "logging_steps=1"));
        arguments.addAll(REQUIRED.getOrDefault(method.name(), List.of()));
        if (method.kind() == TrainingMethod.Kind.DISTILS && !method.name().equals("sdft")) {
            arguments.add("teacher_model_name_or_path=" + teacher);
        }
        if (method.kind() == TrainingMethod.Kind.GENERATES) {
            String length =
                    switch (method.name()) {
                        case "ppo" -> "response_length";
                        case "online_dpo", "xpo", "nash_md" -> "max_new_tokens";
                        default -> "max_completion_length";
                    };
            GENERATING.forEach(key -> arguments.add(key.formatted(length)));
        }
        arguments.addAll(List.of(more));
        return arguments;
    }

    /// The logged steps.
    private static List<JsonNode> steps(TrainingMethod<?, ?> method, String name)
            throws IOException {
        var json = new ObjectMapper();
        List<JsonNode> steps = new ArrayList<>();
        for (String line : Files.readAllLines(out(method, name).resolve("metrics.jsonl"))) {
            JsonNode step = json.readTree(line);
            if (step.has("grad_norm")) {
                steps.add(step);
            }
        }
        return steps;
    }

    private static List<JsonNode> run(
            TrainingMethod<?, ?> method, Path rows, String name, String... more)
            throws IOException {
        List<String> arguments = new ArrayList<>(List.of(method.name()));
        arguments.addAll(keys(method, rows, name, more));
        assertEquals(0, Main.run(arguments.toArray(String[]::new)), () -> "" + arguments);
        return steps(method, name);
    }

    /// Through the library, with passes cut in another way.
    private static <C extends Record & RunConfig> List<JsonNode> run(
            TrainingMethod<C, ?> method, Path rows, String name, Passes passes) throws IOException {
        C config =
                new RunConfigReader()
                        .read(method, Path.of(""), keys(method, rows, name, "max_steps=4"))
                        .config();
        Path out = Files.createDirectories(out(method, name));
        var around =
                new Surroundings(
                        Runs.with().hub(), List.of(new MetricsFile(out)), new StopSignal(), passes);
        method.train(around, config, folder);
        return steps(method, name);
    }

    /// What each step learned from; where a reward is always 0, tokens and entropies tell.
    private static List<String> shown(List<JsonNode> steps) {
        return steps.stream()
                .map(
                        step ->
                                Stream.of("loss", "grad_norm", "num_tokens", "entropy")
                                        .map(key -> "" + step.get(key))
                                        .toList()
                                        .toString())
                .toList();
    }

    private static byte[] adapter(TrainingMethod<?, ?> method, String name) throws IOException {
        return Files.readAllBytes(out(method, name).resolve("adapter_model.safetensors"));
    }

    private static void assertSameBytes(
            TrainingMethod<?, ?> method,
            String name,
            List<JsonNode> whole,
            String other,
            List<JsonNode> resumed)
            throws IOException {
        assertArrayEquals(adapter(method, name), adapter(method, other), "the resumed adapter");
        for (int i = 0; i < whole.size(); i++) {
            for (String key : List.of("loss", "grad_norm")) {
                assertEquals(whole.get(i).get(key), resumed.get(i).get(key), key);
            }
        }
    }

    private static void assertClose(List<JsonNode> whole, List<JsonNode> other, String how) {
        for (int i = 0; i < whole.size(); i++) {
            for (String key : List.of("loss", "grad_norm")) {
                double want = whole.get(i).get(key).asDouble();
                double got = other.get(i).get(key).asDouble();
                int step = i + 1;
                assertTrue(
                        Math.abs(want - got) <= 2e-6 + 1e-3 * Math.abs(want),
                        () -> "%s, step %d: %s %s, %s".formatted(how, step, key, want, got));
            }
        }
    }
}
